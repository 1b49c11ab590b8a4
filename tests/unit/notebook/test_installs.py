from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.notebook.installs import Install, read_install


@pytest.mark.parametrize(
    ("command", "requirements"),
    [
        ("pip install pandas", ("pandas",)),
        ("pip3 install -q -U pandas 'scikit-learn>=1.4' \"numpy<3\"", ("pandas", "scikit-learn>=1.4", "numpy<3")),
        ("pip install pandas>=2", ("pandas>=2",)),
        ("pip -q install pandas", ("pandas",)),
        ("pip install -i https://host/simple --extra-index-url=https://b torch", ("torch",)),
        ("pip install -r requirements.txt", ("-r requirements.txt",)),
        ("pip install --requirement=requirements.txt x", ("-r requirements.txt", "x")),
        ("pip install -e .", ("-e .",)),
        ("pip install git+https://github.com/a/b#egg=b", ("git+https://github.com/a/b#egg=b",)),
        ("pip install pandas  # for the tables", ("pandas",)),
        ("pip install pandas > /dev/null 2>&1", ("pandas",)),
        ("pip install pandas &> /dev/null", ("pandas",)),
        ("pip install pandas | tail -n 1", ("pandas",)),
        ("pip install a && pip install b; echo done", ("a", "b")),
        ("sudo pip install a", ("a",)),
        ("python -m pip install a", ("a",)),
        ("/usr/bin/python3.11 -m pip install a", ("a",)),
        ("conda install -y -c conda-forge numpy=1.26 pandas", ("numpy=1.26", "pandas")),
        ("mamba install numpy", ("numpy",)),
        ("uv pip install a", ("a",)),
        ("uv add a", ("a",)),
        ("pip install a a", ("a",)),
    ],
)
def test_lines_that_only_install(command: str, requirements: tuple[str, ...]) -> None:
    assert read_install(command) == Install(requirements, is_all=True)


@pytest.mark.parametrize("command", ["{sys.executable} -m pip install a", '"{sys.executable}" -m pip install a'])
def test_the_interpreter_of_the_notebook(command: str) -> None:
    assert read_install(command) == Install(("a",), is_all=True, reads_sys=True)


@pytest.mark.parametrize(
    ("command", "requirements"),
    [
        ("pip install a && rm -rf data", ("a",)),
        ("pip install a | tee log.txt", ("a",)),
        ("pip install a > log.txt", ("a",)),
        ("pip install {package} b", ("b",)),
        ("pip install $package b", ("b",)),
        ("pip install `cat list` b", ("b",)),
        ("wget http://host/a.whl && pip install a.whl", ("a.whl",)),
    ],
)
def test_lines_that_do_more_stay_work(command: str, requirements: tuple[str, ...]) -> None:
    install = read_install(command)
    assert install is not None and not install.is_all
    assert set(requirements) <= set(install.requirements)
    assert not any(name in ("{package}", ">", "log.txt") for name in install.requirements)


@pytest.mark.parametrize(
    "command",
    ["pip list", "pip uninstall a", "pip freeze > requirements.txt", "apt-get install x", "echo pip install a", "ls",
     "pip install 'a", "npm install", "uv run install", "git add install", "pip download install", ""],
)  # fmt: skip
def test_lines_that_install_nothing(command: str) -> None:
    assert read_install(command) is None


@given(st.text(alphabet="pip install'\"|&;<>{}$-= a#\\\n", max_size=60))
def test_any_command_can_be_read(command: str) -> None:
    install = read_install(command)
    assert install is None or all(isinstance(name, str) and name for name in install.requirements)
