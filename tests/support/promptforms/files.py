"""Prompts in files that the code reads, or that the setting names, and in notebooks."""

from __future__ import annotations

import json

from promptforms import RULES, Form

PATH = "from pathlib import Path\n"
READ = f'{PATH}SYSTEM_PROMPT = Path("prompt.txt").read_text()\n'


def reads(main: str, name: str, text: str | bytes, **more: str) -> Form:
    """A main.py that reads its prompt from a file."""
    return Form({"main.py": main, name: text}, at=name, **more)


TEXTS = {
    "text": reads(READ, "prompt.txt", "Be good.\nGo on.\n"),
    "text, no last newline": reads(READ, "prompt.txt", "Be good."),
    "text, empty": reads(READ, "prompt.txt", ""),
    "text with rules": reads(READ, "prompt.txt", f"Be good.\n{RULES}Go on.\n"),
    "text, crlf": reads(READ, "prompt.txt", b"Be good.\r\nGo on.\r\n"),
    "text, bom": reads(
        READ.replace("read_text()", 'read_text(encoding="utf-8-sig")'),
        "prompt.txt",
        b"\xef\xbb\xbfBe good.\n",
    ),
    "text, latin-1": reads(
        READ.replace("read_text()", 'read_text(encoding="latin-1")'), "prompt.txt", b"G\xfctig.\n"
    ),
    "markdown beside the module": reads(
        f'{PATH}SYSTEM_PROMPT = (Path(__file__).parent / "prompt.md").read_text("utf-8")\n',
        "prompt.md",
        "# Prompt\n\nBe good.\n",
    ),
    "with_name": reads(
        f'{PATH}SYSTEM_PROMPT = Path(__file__).with_name("p.txt").read_text()\n', "p.txt", "Be.\n"
    ),
    "a folder's constant": reads(
        f'{PATH}HERE = Path(__file__).resolve().parent\nSYSTEM_PROMPT = (HERE / "prompts/p.txt")'
        ".read_text()\n",
        "prompts/p.txt",
        "Be good.\n",
    ),
    "open": reads('SYSTEM_PROMPT = open("prompt.txt").read()\n', "prompt.txt", "Be good.\n"),
    "open in a with": reads(
        'with open("prompt.txt", encoding="utf-8") as file:\n    SYSTEM_PROMPT = file.read()\n',
        "prompt.txt",
        "Sei gütig.\n",
    ),
    "os.path": reads(
        "import os\n"
        "SYSTEM_PROMPT = open(os.path.join(os.path.dirname(__file__), 'p.txt')).read()\n",
        "p.txt",
        "Be good.\n",
    ),
    "text, stripped": reads(
        READ.replace("read_text()", "read_text().strip()"), "prompt.txt", "\nBe good.\n\n"
    ),
    "text, formatted": reads(
        READ.replace("read_text()", 'read_text().format(robot="go1")'),
        "prompt.txt",
        "You are {robot}, {{}}.\n",
    ),
    "text, replaced in": reads(
        READ.replace("read_text()", 'read_text().replace("<r>", "go1")'), "prompt.txt", "Be <r>.\n"
    ),
    "bytes, decoded": reads(
        READ.replace("read_text()", 'read_bytes().decode("utf-8")'), "prompt.txt", "Sei gütig.\n"
    ),
    "a text and more": reads(
        f'{PATH}BASE = Path("prompt.txt").read_text()\nSYSTEM_PROMPT = "Hello.\\n" + BASE\n',
        "prompt.txt",
        "Be good.\n",
    ),
    "class attribute from a text": reads(
        f'{PATH}class B:\n    SYSTEM_PROMPT = Path("prompt.txt").read_text()\n',
        "prompt.txt",
        "Be good.\n",
        get="B.SYSTEM_PROMPT",
    ),
    "package resource": Form(
        {
            "main.py": "from importlib.resources import files\n"
            'SYSTEM_PROMPT = files("robot").joinpath("prompt.txt").read_text()\n',
            "robot/__init__.py": "",
            "robot/prompt.txt": "Be good.\n",
        },
        at="robot/prompt.txt",
    ),
    "text of another module": Form(
        {
            "main.py": "from robot.prompts import SYSTEM_PROMPT\n",
            "robot/__init__.py": "",
            "robot/prompts.py": f"{PATH}HERE = Path(__file__).parent\n"
            'SYSTEM_PROMPT = (HERE / "p.txt").read_text()\n',
            "robot/p.txt": "Be good.\n",
        },
        at="robot/p.txt",
    ),
    "words of a text": Form(
        {
            "main.py": READ.replace("read_text()", "read_text().title()"),
            "prompt.txt": "be good.",
        }
    ),
}

YAML = 'import yaml\nSYSTEM_PROMPT = yaml.safe_load(open("p.yaml"))["system"]\n'

DATA = {
    "yaml block": reads(YAML, "p.yaml", "model: m\nsystem: |\n  Be good.\n\n    Go on.\nx: 1\n"),
    "yaml block, stripped": reads(YAML, "p.yaml", "system: |-\n    Be good.\n    Go on.\n"),
    "yaml block, kept": reads(YAML, "p.yaml", "system: |+\n  Be good.\n\nx: 1\n"),
    "yaml block with rules": reads(
        YAML, "p.yaml", "system: |\n  Be.\n  - when fallen: stand_up\n  - when always: stand\n"
    ),
    "yaml block, crlf": reads(YAML, "p.yaml", b"system: |\r\n  Be good.\r\n  Go on.\r\nx: 1\r\n"),
    "yaml, double quotes": reads(YAML, "p.yaml", 'system: "Be\\tgood.\\n"  # the prompt\nx: 1\n'),
    "yaml, nested, by a name": reads(
        f'import yaml\n{PATH}CONFIG = yaml.safe_load(Path("p.yaml").read_text())\n'
        'SYSTEM_PROMPT = CONFIG["agent"]["system"]\nMODEL = CONFIG["model"]\n',
        "p.yaml",
        "model: m\nagent:\n  system: |\n    Be good.\n",
    ),
    "yaml without quotes": Form({"main.py": YAML, "p.yaml": "system: Be good.\n"}),
    "yaml, single quotes": Form({"main.py": YAML, "p.yaml": "system: 'Be ''good''.'\n"}),
    "yaml, folded": Form({"main.py": YAML, "p.yaml": "system: >\n  Be\n  good.\n"}),
    "json": reads(
        'import json\nSYSTEM_PROMPT = json.load(open("p.json"))["system"]\n',
        "p.json",
        '{"model": "m", "system": "Be \\u00e9 \\"good\\".\\nGo on.\\n"}\n',
    ),
    "json, nested, with rules": reads(
        f'import json\n{PATH}SYSTEM_PROMPT = json.loads(Path("p.json").read_text())["a"][0]["b"]\n',
        "p.json",
        json.dumps({"a": [{"b": f"Be.\n{RULES}"}], "c": 1}, indent=2),
    ),
    "json, get and strip": reads(
        'import json\nwith open("p.json") as f:\n    C = json.load(f)\n'
        'SYSTEM_PROMPT = C.get("system").strip()\n',
        "p.json",
        '{"system": "Be good.\\n"}',
    ),
    "toml, several lines": reads(
        'import tomllib\nSYSTEM_PROMPT = tomllib.load(open("p.toml", "rb"))["agent"]["system"]\n',
        "p.toml",
        '[agent]\nmodel = "m"\nsystem = """\nBe \\"good\\".\nGo on.\n"""\n',
    ),
    "toml, one line": reads(
        f"import tomllib\n{PATH}"
        'SYSTEM_PROMPT = tomllib.loads(Path("p.toml").read_text())["system"]\n',
        "p.toml",
        'x = "Be good."\nsystem = "Be good."\n',
    ),
}


def notebook(*cells: str, whole: bool = False) -> str:
    """A notebook as Jupyter writes it. `whole`: sources as single strings."""
    made = [{"cell_type": "markdown", "metadata": {}, "source": ["# Größe\n", "SYSTEM_PROMPT"]}]
    for cell in cells:
        source = cell if whole else cell.splitlines(keepends=True)
        made.append(
            {"cell_type": "code", "metadata": {}, "source": source, "outputs": [],
             "execution_count": None}
        )  # fmt: skip
    book = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def book(*cells: str, whole: bool = False) -> Form:
    """A project of one notebook."""
    text = notebook(*cells, whole=whole)
    return Form({"robot.ipynb": text}, at="robot.ipynb", entry="robot.ipynb")


BOOKS = {
    "notebook": book("import os", 'SYSTEM_PROMPT = """Be good.\nGo on.\n"""\nprint(1)'),
    "notebook, whole strings": book('x = 1\nSYSTEM_PROMPT = """Be good.\nGo on.\n"""', whole=True),
    "notebook, one line": book('SYSTEM_PROMPT = "Be good."'),
    "notebook, magics": book("%pip list\n!ls", "%%bash\nls", 'R = "ü"\nSYSTEM_PROMPT = f"Be {R}."'),
    "notebook with rules": book(f'SYSTEM_PROMPT = """\\\nBe.\n{RULES}"""'),
    "notebook reads a text": Form(
        {"robot.ipynb": notebook(READ), "prompt.txt": "Be good.\n"},
        at="prompt.txt",
        entry="robot.ipynb",
    ),
}

NAMED = {
    "setting: a text": Form({"prompt.md": "Be good.\n"}, at="prompt.md", named="prompt.md", get=""),
    "setting: a key of yaml": Form(
        {"c.yaml": "a:\n  system: |\n    Be.\n"}, at="c.yaml", named="c.yaml:a.system", get=""
    ),
    "setting: a key of json": Form(
        {"c.json": '{"p": "Be."}'}, at="c.json", named="c.json:p", get=""
    ),
    "setting: a notebook's variable": Form(
        {"robot.ipynb": notebook('BASE = "Be."')},
        at="robot.ipynb",
        entry="robot.ipynb",
        get="BASE",
        named="robot.ipynb:BASE",
    ),
}

FILES = TEXTS | DATA | BOOKS | NAMED
