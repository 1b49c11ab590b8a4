from __future__ import annotations

import pytest

from jupyter_mlops.runtime.secret_names import is_secret

SECRET = (
    "password db_password apiKey API_KEY token hf_token aws_secret_access_key ACCESS_KEY auth-token Credentials "
    "SERVICE_TOKEN"
)
OPEN = "max_tokens pad_token n_tokens tokenizer secretary key monkey author token_count keys passengers compass"


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_secrets(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", OPEN.split())
def test_names_of_other_things(name):
    assert not is_secret(name)
