"""Files: written, read, appended to, looked for."""

from __future__ import annotations

from casebook import FRAME, NUMPY, PANDAS, Part, case, functions, imports

__all__ = ["CASES"]

CASES = (
    # files
    case(
        "a file written and read",
        Part("open('note.txt', 'w').write('1')", hidden="file:note.txt"),
        Part("text = open('note.txt').read()", "", "text", hidden="file:note.txt"),
        Part("print(text)", "text"),
        edges="ab bc",
    ),
    case(
        "a file through with",
        Part("with open('a.txt', 'w') as f:\n    f.write('x')", hidden="file:a.txt"),
        Part("with open('a.txt') as f:\n    print(f.read())", hidden="file:a.txt"),
        edges="ab",
    ),
    case(
        "Path objects",
        imports("from pathlib import Path"),
        Part("p = Path('data.txt')\np.write_text('x')", gives="p", hidden="file:data.txt"),
        Part("print(p.read_text())", "p", hidden="file:data.txt"),
        edges="ab",
    ),
    case(
        "paths joined",
        imports("import os\nfrom pathlib import Path"),
        Part(
            "os.makedirs('out', exist_ok=True)\nwith open(os.path.join('out', 'a.txt'), 'w') as f:\n    f.write('x')",
            hidden="file:out/a.txt",
        ),
        Part("print((Path('out') / 'a.txt').read_text())", hidden="file:out/a.txt"),
        edges="ab",
    ),
    case(
        "to_csv and read_csv",
        PANDAS,
        Part(FRAME + "\ndf.to_csv('prices.csv', index=False)", hidden="file:prices.csv"),
        Part("again = pd.read_csv('prices.csv')", "", "again", hidden="file:prices.csv"),
        Part("print(again)", "again"),
        edges="ab bc",
    ),
    case(
        "the name of a file in a variable",
        PANDAS,
        Part("OUT = 'prices.csv'\n" + FRAME, gives="OUT df"),
        Part("df.to_csv(OUT, index=False)", "OUT df", hidden="file:prices.csv"),
        Part("print(pd.read_csv(OUT))", "OUT", hidden="file:prices.csv"),
        edges="ab ac bc",
    ),
    case(
        "an f-string path",
        Part("year = 2024", gives="year"),
        Part("open(f'r{year}.txt', 'w').write('x')", "year", hidden="file:r2024.txt"),
        Part("print(open('r2024.txt').read())", hidden="file:r2024.txt"),
        edges="ab bc",
    ),
    case(
        "mkdir in one step, write in the next",
        imports("import os"),
        Part("os.makedirs('out', exist_ok=True)"),
        Part("open('out/a.txt', 'w').write('x')", hidden="file:out/a.txt"),
        Part("print(open('out/a.txt').read())", hidden="file:out/a.txt"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a glob sees what was written",
        imports("import glob"),
        Part("open('a.log', 'w').write('x')", hidden="file:a.log"),
        Part("print(glob.glob('*.log'))"),
        edges="ab",
    ),
    case(
        "an unknown path is any file",
        Part("open('a.txt', 'w').write('x')", hidden="file:a.txt"),
        Part("name = ''.join(['a', '.txt'])\nprint(open(name).read())"),
        edges="ab",
    ),
    case(
        "an unknown path written is any file",
        Part("name = ''.join(['a', '.txt'])\nopen(name, 'w').write('x')"),
        Part("print(open('a.txt').read())"),
        edges="ab",
    ),
    case(
        "appending needs what is there",
        Part("open('a.txt', 'w').write('1')", hidden="file:a.txt"),
        Part("f = open('a.txt', 'a')\nf.write('2')\nf.close()", hidden="file:a.txt"),
        Part("print(open('a.txt').read())", hidden="file:a.txt"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a file overwritten after it was read",
        Part("open('a.txt', 'w').write('1')", hidden="file:a.txt"),
        Part("one = open('a.txt').read()", "", "one", hidden="file:a.txt"),
        Part("open('a.txt', 'w').write('2')", hidden="file:a.txt"),
        Part("print(one, open('a.txt').read())", "one", hidden="file:a.txt"),
        edges="ab bc bd cd",
        exact=False,
    ),
    case(
        "a file of the project overwritten after it was read",
        Part("one = open('given.txt').read()", "", "one", hidden="file:given.txt"),
        Part("open('given.txt', 'w').write('new')", hidden="file:given.txt"),
        Part("print(one)", "one"),
        edges="ab ac",
        files={"given.txt": "old"},
    ),
    case(
        "a file handle across a boundary is refused",
        Part("f = open('a.txt', 'w')\nf.write('x')", gives="f", hidden="file:a.txt"),
        Part("f.write('y')\nf.close()", "f", "", "f"),
        Part("print(open('a.txt').read())"),
        edges="ab",
        refused=True,
        exact=False,
    ),
    case(
        "json.dump to a file",
        imports("import json"),
        Part("with open('c.json', 'w') as f:\n    json.dump({'a': 1}, f)", hidden="file:c.json"),
        Part("with open('c.json') as f:\n    print(json.load(f))", hidden="file:c.json"),
        edges="ab",
    ),
    case(
        "np.save adds its suffix",
        NUMPY,
        Part("np.save('arr', np.arange(3))"),
        Part("print(np.load('arr.npy'))"),
        edges="ab",
        exact=False,
    ),
    case(
        "joblib dump and load",
        imports("import joblib"),
        Part("joblib.dump({'a': 1}, 'm.joblib')", hidden="file:m.joblib"),
        Part("print(joblib.load('m.joblib'))", hidden="file:m.joblib"),
        edges="ab",
        exact=False,
    ),
    case(
        "os.remove and exists",
        imports("import os"),
        Part("open('a.txt', 'w').write('x')", hidden="file:a.txt"),
        Part("os.remove('a.txt')"),
        Part("print(os.path.exists('a.txt'))"),
        edges="ab bc",
        exact=False,
    ),
    case(
        "a function writes the file",
        functions("def dump(text, where='log.txt'):\n    with open(where, 'w') as f:\n        f.write(text)"),
        Part("dump('x')", hidden="file:log.txt"),
        Part("print(open('log.txt').read())", hidden="file:log.txt"),
        edges="ab",
    ),
    case(
        "a database in a file",
        imports("import sqlite3"),
        Part(
            "con = sqlite3.connect('s.db')\ncon.execute('create table t (x)')\n"
            "con.execute('insert into t values (1)')\ncon.commit()\ncon.close()"
        ),
        Part("con = sqlite3.connect('s.db')\nprint(con.execute('select x from t').fetchall())\ncon.close()"),
        edges="ab",
        exact=False,
    ),
    case(
        "an open connection across a boundary is refused",
        imports("import sqlite3"),
        Part("con = sqlite3.connect(':memory:')\ncon.execute('create table t (x)')", gives="con"),
        Part("print(con.execute('select * from t').fetchall())", "con"),
        edges="ab",
        refused=True,
        exact=False,
    ),
    case(
        "two writers of one file keep their order",
        Part("open('o.txt', 'w').write('1')", hidden="file:o.txt"),
        Part("open('o.txt', 'w').write('2')", hidden="file:o.txt"),
        Part("print(open('o.txt').read())", hidden="file:o.txt"),
        edges="ab bc",
        exact=False,
    ),
)
