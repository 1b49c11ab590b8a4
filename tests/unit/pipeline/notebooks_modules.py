"""Small notebooks beside modules of the project: the files first, then the cells."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[dict[str, str] | str | tuple[str, str], ...]] = {
    "local module rc": (
        {
            "helper.py": "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth']=7\nimport pandas as pd\n"
            "pd.set_option('display.precision', 2)\n"
        },
        "import helper\nx=1",
        "print(plt.rcParams['lines.linewidth'], pd.get_option('display.precision'), x)",
    ),
    "local module seeds": (
        {"helper.py": "import numpy as np\nnp.random.seed(3)\ndef f():\n    return 1\n"},
        "from helper import f\na=f()",
        "print(np.random.rand(), a)",
        "print(np.random.rand())",
    ),
    "local module env": (
        {"helper.py": "import os\nos.environ['ZZ']='7'\n"},
        "import helper",
        "print(os.environ.get('ZZ'))",
    ),
    "local module function sets option": (
        {"helper.py": "import pandas as pd\ndef setup():\n    pd.set_option('display.max_rows', 7)\n"},
        "import helper\nhelper.setup()",
        "print(pd.get_option('display.max_rows'))",
    ),
    "local module function seeds": (
        {"helper.py": "import numpy as np, random\ndef seed_all(n):\n    np.random.seed(n)\n    random.seed(n)\n"},
        "from helper import seed_all\nseed_all(3)",
        "print(np.random.rand(), random.random())",
        "print(np.random.rand(), random.random())",
    ),
    "local module draws": (
        {"helper.py": "import numpy as np\ndef noise(n):\n    return np.random.rand(n)\n"},
        "from helper import noise\nnp.random.seed(1)",
        "a=noise(2)\nprint(a)",
        "b=noise(2)\nprint(b)",
    ),
    "local module mutates arg": (
        {"helper.py": "def add(df):\n    df['x']=1\n    return None\n"},
        "from helper import add\ndf=pd.DataFrame({'a':[1]})",
        "add(df)",
        "print(df)",
    ),
    "local module counter": (
        {"helper.py": "n=0\ndef inc():\n    global n\n    n+=1\n    return n\n"},
        "import helper\nprint(helper.inc())",
        "print(helper.inc())",
        "print(helper.n)",
    ),
    "local module set attr": (
        {"helper.py": "CONFIG={'a':1}\nLIMIT=3\ndef lim():\n    return LIMIT\n"},
        "import helper\nhelper.LIMIT=9\nhelper.CONFIG['a']=2",
        "print(helper.lim(), helper.CONFIG)",
    ),
    "local class instance": (
        {
            "helper.py": "class Acc:\n"
            "    total=0\n    def __init__(self):\n        self.rows=[]\n    def add(self,x):\n"
            "        self.rows.append(x)\n        Acc.total+=1\n"
        },
        "from helper import Acc\na=Acc()\na.add(1)",
        "a.add(2)",
        "print(a.rows, Acc.total)",
    ),
    "local reads file": (
        {"helper.py": "def load():\n    return open('d.txt').read()\n", "d.txt": "one"},
        "import helper\nprint(helper.load())",
        "open('d.txt','w').write('two')",
        "print(helper.load())",
    ),
    "local imports local": (
        {
            "helper.py": "import other\ndef go():\n    return other.inc()\n",
            "other.py": "n=[0]\ndef inc():\n    n[0]+=1\n    return n[0]\n",
        },
        "import helper\nprint(helper.go())",
        "print(helper.go())",
    ),
    "sys path": (
        {"sub/mymod.py": "v=5\n"},
        "sys.path.insert(0,'sub')",
        "import mymod\nprint(mymod.v)",
    ),
    "chdir": (
        {"sub/a.txt": "A", "a.txt": "B"},
        "os.chdir('sub')",
        "print(open('a.txt').read())",
    ),
    "local rc, name used": (
        {
            "helper.py": "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth']=7\nimport pandas as pd\n"
            "pd.set_option('display.precision', 2)\ndef f():\n    return 2\n"
        },
        "import helper\nx=helper.f()",
        "print(plt.rcParams['lines.linewidth'], pd.get_option('display.precision'), x)",
    ),
    "local apply callback draws": (
        {"helper.py": "import random\ndef noise(x):\n    return x+random.random()\n"},
        "import helper\nrandom.seed(3)\ns=pd.Series([1.,2.])",
        "print(s.apply(helper.noise))",
        "print(random.random())",
    ),
    "local instance method draws": (
        {
            "helper.py": "import numpy as np\nclass M:\n    def fit(self):\n        self.w=np.random.rand()\n"
            "        return self\n"
        },
        "from helper import M\nnp.random.seed(0)\nm=M()",
        "m.fit()\nprint(m.w)",
        "print(np.random.rand())",
    ),
    "local instance method sets option": (
        {
            "helper.py": "import pandas as pd\nclass M:\n    def conf(self):\n"
            "        pd.set_option('display.max_rows', 5)\n"
        },
        "from helper import M\nm=M()",
        "m.conf()",
        "print(pd.get_option('display.max_rows'))",
    ),
    "local instance in list": (
        {
            "helper.py": "import pandas as pd\nclass M:\n    def conf(self):\n"
            "        pd.set_option('display.max_rows', 5)\n"
        },
        "from helper import M\nms=[M() for i in range(2)]",
        "for m in ms:\n    m.conf()",
        "print(pd.get_option('display.max_rows'))",
    ),
    "local subclass in notebook": (
        {"helper.py": "class Base:\n    n=0\n    def go(self):\n        Base.n+=1\n        return Base.n\n"},
        "from helper import Base\nclass D(Base):\n    pass\nd=D()",
        "print(d.go())",
        "print(d.go())",
    ),
    "local package": (
        {
            "pk/__init__.py": "from .core import seed_all\n",
            "pk/core.py": "import random\ndef seed_all():\n    random.seed(5)\n",
        },
        "import pk\npk.seed_all()",
        "print(random.random())",
        "print(random.random())",
    ),
    "local import seeds indirectly": (
        {"helper.py": "import numpy as np\ndef _seed():\n    np.random.seed(3)\n_seed()\ndef f():\n    return 1\n"},
        "from helper import f\na=f()",
        "print(np.random.rand(), a)",
        "print(np.random.rand())",
    ),
    "local in imports cell seeds": (
        {"helper.py": "import numpy as np\nnp.random.seed(3)\ndef f():\n    return 1\n"},
        ("imports", "from helper import f"),
        "a=f()\nprint(np.random.rand())",
        "print(np.random.rand(), a)",
        "print(np.random.rand())",
    ),
    "script run": (
        {"s.py": "import pandas as pd\nx=3\n"},
        "exec(open('s.py').read())",
        "print(x)",
    ),
    "local decorator": (
        {
            "helper.py": "import functools\nlog=[]\ndef deco(f):\n    @functools.wraps(f)\n    def g(*a):\n"
            "        log.append(1)\n        return f(*a)\n    return g\n"
        },
        "from helper import deco, log\n@deco\ndef sq(x):\n    return x*x",
        "print(sq(2))",
        "print(len(log))",
    ),
    "local constants used": (
        {"cfg.py": "DATA={'a':[1]}\nN=4\n"},
        "import cfg\ncfg.DATA['a'].append(2)",
        "print(cfg.DATA, cfg.N)",
    ),
    "local from import mutable": (
        {"cfg.py": "DATA={'a':[1]}\ndef get():\n    return DATA\n"},
        "from cfg import DATA, get\nDATA['a'].append(2)",
        "print(get())",
    ),
    "local from import mutable2": (
        {"cfg.py": "DATA={'a':[1]}\ndef get():\n    return DATA\n"},
        "from cfg import DATA, get\nd=get()\nd['b']=1",
        "print(get(), DATA)",
    ),
    "local warnings filter": (
        {"helper.py": "import warnings\nwarnings.filterwarnings('error')\ndef f():\n    pass\n"},
        "import helper\nhelper.f()",
        "try:\n    warnings.warn('x')\n    print('no')\nexcept UserWarning:\n    print('yes')",
    ),
    "local env": (
        {"helper.py": "import os\nos.environ['ZZ']='7'\ndef f():\n    return 1\n"},
        "import helper\nx=helper.f()",
        "print(os.environ.get('ZZ'), x)",
    ),
    "local sys.path": (
        {"helper.py": "import sys\nsys.path.append('sub')\ndef f():\n    return 1\n", "sub/zz.py": "v=8\n"},
        "import helper\nx=helper.f()",
        "import zz\nprint(zz.v, x)",
    ),
}
