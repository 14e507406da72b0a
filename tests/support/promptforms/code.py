"""Prompts in Python: literals, expressions, and what holds them."""

from __future__ import annotations

from promptforms import RULES, Form, main

LITERALS = {
    "triple": main('SYSTEM_PROMPT = """\\\nBe good.\nGo on.\n"""\nx = 1\n'),
    "triple single quotes": main("SYSTEM_PROMPT = '''Be good.\nGo on.'''\n"),
    "one line": main('SYSTEM_PROMPT = "Be good."\n'),
    "no newline at the end": main('SYSTEM_PROMPT = """Be good."""'),
    "escapes": main('SYSTEM_PROMPT = "Be\\tgood.\\n\\x41\\u00e9\\N{EN DASH}\\101\\\\n"\n'),
    "annotated": main('SYSTEM_PROMPT: str = """Be good.\n"""\n'),
    "final": main('from typing import Final\nSYSTEM_PROMPT: Final[str] = "Be good."\n'),
    "parenthesised": main('SYSTEM_PROMPT = (\n    "Be good. "\n    "Go on.\\n"\n)\n'),
    "comments between": main('SYSTEM_PROMPT = (\n  "Be. "  # it\'s\n  # more\n  "Go."\n)\n'),
    "raw triple": main('SYSTEM_PROMPT = r"""Be \\d good.\n"""\n'),
    "raw one line": main("SYSTEM_PROMPT = r'Be \\d good.'\n"),
    "crlf": main(b'import os\r\nSYSTEM_PROMPT = """Be good.\r\nGo on.\r\n"""\r\nx = 1\r\n'),
    "tabs": main('SYSTEM_PROMPT = """\tBe good.\n\tGo on.\n"""\n'),
    "bom": main(b'\xef\xbb\xbfSYSTEM_PROMPT = """Be good.\n"""\n'),
    "latin-1": main('# coding: latin-1\nSYSTEM_PROMPT = "Sei gütig."\n'.encode("latin-1")),
    "cp1252": main('# coding: cp1252\nSYSTEM_PROMPT = """„Gut“.\n"""\n'.encode("cp1252")),
    "empty": main('SYSTEM_PROMPT = ""\n'),
    "trailing comment": main('SYSTEM_PROMPT = "Be good."  # the prompt\n'),
    "semicolons": main('x = 1; SYSTEM_PROMPT = "Be good."; y = 2\n'),
    "with rules": main(f'SYSTEM_PROMPT = """Be good.\n{RULES}Go on.\n"""\n'),
    "module docstring": main('"""Be good.\n\nGo on.\n"""\nSYSTEM_PROMPT = __doc__\n'),
}

FORMATTED = {
    "f-string without fields": main('SYSTEM_PROMPT = f"Be good."\n'),
    "f-string, known field": main('ROBOT = "go1"\nSYSTEM_PROMPT = f"You are {ROBOT}.\\n"\n'),
    "f-string, unknown field": main(
        'import os\nSYSTEM_PROMPT = f"""You are {os.cpu_count()!r:>9}.\nGo on.\n"""\n'
    ),
    "f-string ends in a field": main('import os\nSYSTEM_PROMPT = f"You are {os.sep}"\n'),
    "f-string, doubled braces": main('SYSTEM_PROMPT = f"""Answer {{"a": {1 + 1}}}.\n"""\n'),
    "f-string, quotes in a field": main("d = {'a': 'b'}\nSYSTEM_PROMPT = f\"Be {d['a']}.\"\n"),
    "f-string, a number's format": main('N = 0.5\nSYSTEM_PROMPT = f"Keep {N:.2f} m.\\n"\n'),
    "f-string, debug field": main('x = 3\nSYSTEM_PROMPT = f"Be {x=}."\n'),
    "f-string among others": main('x = 3\nSYSTEM_PROMPT = ("{a} "\n  f"{x} {{b}} " "{c}\\n")\n'),
    "raw f-string": main('x = 3\nSYSTEM_PROMPT = rf"""Be \\d {x}.\n"""\n'),
    "f-string with rules": main(f'x = 3\nSYSTEM_PROMPT = f"""Be {{x}}.\n{RULES}Go.\n"""\n'),
    "f-string, rules behind a field": main(
        f'import os\nSYSTEM_PROMPT = f"""{{os.getpid()}}\n{RULES}"""\n'
    ),
    "format": main('SYSTEM_PROMPT = "You are {robot}.\\n".format(robot="go1")\n'),
    "format, by place": main('SYSTEM_PROMPT = "You are {} of {}.".format("go1", 3)\n'),
    "format, doubled braces": main('SYSTEM_PROMPT = """Say {{}} to {x}.\n""".format(x=1)\n'),
    "format, unknown": main(
        'import os\nSYSTEM_PROMPT = """You are {pid:05}.\n""".format(pid=os.getpid())\n'
    ),
    "format of a name": main(
        'T = """You are {x}.\nGo on.\n"""\nSYSTEM_PROMPT = T.format(**{"x": "go1"})\n'
    ),
    "format with rules": main(f'SYSTEM_PROMPT = """Be {{x}}.\n{RULES}""".format(x="it")\n'),
    "percent": main('SYSTEM_PROMPT = "You are %s.\\n" % "go1"\n'),
    "percent, a tuple": main('SYSTEM_PROMPT = """%d%% of %s.\n""" % (50, "all")\n'),
    "percent, a dict": main('SYSTEM_PROMPT = "You are %(robot)s." % {"robot": "go1"}\n'),
    "percent, unknown": main('import os\nSYSTEM_PROMPT = "You are %s, %d%%.\\n" % (os.sep, 3)\n'),
    "string.Template": main(
        "from string import Template\n"
        'SYSTEM_PROMPT = Template("Pay $$3 to ${robot}.\\n").substitute(robot="go1")\n'
    ),
}

JOINED = {
    "plus": main('SYSTEM_PROMPT = "Be good.\\n" + "Go on.\\n"\n'),
    "plus a constant": main('RULES = "Go on."\nSYSTEM_PROMPT = "Be good.\\n" + RULES\n'),
    "plus a shared constant": main(
        'R = "Go on."\nSYSTEM_PROMPT = "Be good.\\n" + R\nOTHER = R + "!"\n'
    ),
    "plus a call": main('import os\nSYSTEM_PROMPT = "Be good. " + str(os.getpid())\n'),
    "plus over lines": main('SYSTEM_PROMPT = (\n    "Be good.\\n"\n    + "Go on.\\n"\n)\n'),
    "plus with rules": main(f'SYSTEM_PROMPT = "Be.\\n" + """{RULES}""" + "Go.\\n"\n'),
    "join of a list": main('SYSTEM_PROMPT = "\\n".join([\n    "Be good.",\n    "Go on.",\n])\n'),
    "join of names": main('A = "Be good."\nB = "Go on."\nSYSTEM_PROMPT = " ".join((A, B))\n'),
    "join of a comprehension": main('SYSTEM_PROMPT = "\\n".join(str(x) for x in range(3))\n'),
    "join of a list that grows": main(
        'PARTS = ["Be good."]\nPARTS.append("Go on.")\nSYSTEM_PROMPT = "\\n".join(PARTS)\n'
    ),
    "join with rules": main(
        'SYSTEM_PROMPT = "\\n".join(["Be.", "- when fallen: stand_up", "- when always: stand"])\n'
    ),
    "added to": main('SYSTEM_PROMPT = "Be good.\\n"\nSYSTEM_PROMPT += "Go on.\\n"\n'),
    "set from itself": main(
        'SYSTEM_PROMPT = """\nBe good.\n"""\nSYSTEM_PROMPT = SYSTEM_PROMPT.strip()\n'
    ),
    "itself and more": main(
        'E = "!"\nSYSTEM_PROMPT = "Be good"\nSYSTEM_PROMPT = SYSTEM_PROMPT + E\n'
    ),
}

SHAPED = {
    "strip": main('SYSTEM_PROMPT = """\nBe good.\nGo on.\n""".strip()\n'),
    "rstrip": main('SYSTEM_PROMPT = """Be good.\n\n""".rstrip()\n'),
    "strip of an f-string": main('x = 3\nSYSTEM_PROMPT = f"""\nBe {x}.\n""".strip()\n'),
    "strip around fields": main(
        'import os\nSYSTEM_PROMPT = f"""\n{os.getpid()} is {os.sep}\n""".strip()\n'
    ),
    "strip and replace": main(
        'R = "go1"\nSYSTEM_PROMPT = """\nBe <robot>.\n""".strip().replace("<robot>", R)\n'
    ),
    "removeprefix": main('SYSTEM_PROMPT = "# Be good.".removeprefix("# ")\n'),
    "dedent": main(
        "import textwrap\nSYSTEM_PROMPT = textwrap.dedent('''\n  Be.\n\n    Go.\n  ''')\n"
    ),
    "dedent from its module": main(
        'from textwrap import dedent\nSYSTEM_PROMPT = dedent("""\\\n    Be good.\n    Go.""")\n'
    ),
    "dedent, tabs": main(
        'from textwrap import dedent\nSYSTEM_PROMPT = dedent("""\\\n\t\tBe good.\n\t\tGo.\n""")\n'
    ),
    "dedent and strip": main(
        'from textwrap import dedent as d\nSYSTEM_PROMPT = d("""\n    Be good.\n    """).strip()\n'
    ),
    "dedent with rules": main(
        'from textwrap import dedent\nSYSTEM_PROMPT = dedent("""\n    Be good.\n'
        '    - when fallen: stand_up\n    - when always: stand\n    """)\n'
    ),
    "dedent of an f-string": main(
        "import os\nfrom textwrap import dedent\n"
        'SYSTEM_PROMPT = dedent(f"""\n  Be {os.sep}.\n  """)\n'
    ),
    "dedent and format": main(
        'from textwrap import dedent\nSYSTEM_PROMPT = dedent("""\n  Be {x}.\n  """).format(x=1)\n'
    ),
    "cleandoc": main(
        'import inspect\nSYSTEM_PROMPT = inspect.cleandoc("""Be good.\n\n      Go on.\n    """)\n'
    ),
    "upper": main('SYSTEM_PROMPT = "Be good.".upper()\n'),
    "words joined anew": main('SYSTEM_PROMPT = " ".join("""Be\n   good.""".split())\n'),
    "str": main('SYSTEM_PROMPT = str("Be good.")\n'),
}

NAMES = {
    "chained": main('SYSTEM_PROMPT = PROMPT = "Be good."\n'),
    "tuple": main('SYSTEM_PROMPT, MODEL = "Be good.", "m"\n'),
    "alias": main('_PROMPT = """Be good.\n"""\nSYSTEM_PROMPT = _PROMPT\n'),
    "alias of a shared constant": main('P = "Be good."\nSYSTEM_PROMPT = P\nOTHER = [P]\n'),
    "alias with rules": main(f'_PROMPT = """Be.\n{RULES}"""\nSYSTEM_PROMPT = _PROMPT\n'),
    "in a with": main(
        'import contextlib\nwith contextlib.suppress(OSError):\n    SYSTEM_PROMPT = "Be good."\n'
    ),
    "item of a dict": main('P = {"system": "Be good.", "x": ""}\nSYSTEM_PROMPT = P["system"]\n'),
    "get of a dict": main(
        'P = {"system": "Be good."}\nSYSTEM_PROMPT = P.get("system")\nP.get("x")\n'
    ),
    "item of a list": main('P = ["Be good.", "Go."]\nSYSTEM_PROMPT = P[0]\n'),
    "attribute of a class": main('class C:\n    P = "Be good."\n\n\nSYSTEM_PROMPT = C.P\n'),
    "small letters": main('system_prompt = "Be good."\n', "system_prompt"),
}

HOLDERS = {
    "class attribute": main(
        'class Brain:\n    SYSTEM_PROMPT = """Be good.\n    """\n', "Brain.SYSTEM_PROMPT"
    ),
    "class attribute, f-string": main(
        'class Brain:\n    R = "go1"\n    SYSTEM_PROMPT = f"Be {R}."\n', "Brain.SYSTEM_PROMPT"
    ),
    "dataclass": main(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass C:\n"
        '    system_prompt: str = "Be good."\n',
        "C().system_prompt",
    ),
    "dataclass field": main(
        "from dataclasses import dataclass, field\n\n\n@dataclass\nclass C:\n"
        '    system_prompt: str = field(default="Be good.", repr=False)\n',
        "C().system_prompt",
    ),
    "enum": main(
        'import enum\n\n\nclass P(enum.Enum):\n    SYSTEM_PROMPT = "Be good."\n    X = 1\n',
        "P.SYSTEM_PROMPT.value",
    ),
    "attribute of an instance": main(
        'class Brain:\n    def __init__(self):\n        self.system_prompt = "Be good."\n',
        "Brain().system_prompt",
    ),
    "dict entry": main(
        'CONFIG = {"model": "m", "system_prompt": "Be good."}\n', "CONFIG['system_prompt']"
    ),
    "nested dict entry": main(
        'CONFIG = {"agent": {"system_prompt": """Be good.\n"""}}\n',
        "CONFIG['agent']['system_prompt']",
    ),
    "dict call": main('CONFIG = dict(system_prompt="Be good.")\n', "CONFIG['system_prompt']"),
    "messages": main(
        'MESSAGES = [{"role": "system", "content": "Be good."}, {"role": "user", "content": ""}]\n',
        "MESSAGES[0]['content']",
    ),
    "keyword argument": main(
        "class Agent:\n    def __init__(self, system_prompt):\n"
        "        self.text = system_prompt\n\n\n"
        'AGENT = Agent(system_prompt="Be good.")\n',
        "AGENT.text",
    ),
    "default of a parameter": main(
        'def ask(goal, system_prompt="Be good."):\n    return system_prompt\n', "ask(1)"
    ),
    "what a function returns": main(
        'def get_system_prompt(robot):\n    """Doc."""\n    return f"You are {robot}. Be good."\n',
        "get_system_prompt('go1')",
    ),
    "local variable": main(
        'def ask():\n    system_prompt = "Be good."\n    return system_prompt\n', "ask()"
    ),
}

MODULES = {
    "another file": Form(
        {"brain.py": 'SYSTEM_PROMPT = "Be good."\n'}, at="brain.py", entry="brain.py"
    ),
    "imported": Form(
        {"main.py": "from prompts import SYSTEM_PROMPT\n", "prompts.py": 'SYSTEM_PROMPT = "Be."\n'},
        at="prompts.py",
    ),
    "imported by another name": Form(
        {"main.py": "from prompts import BASE as SYSTEM_PROMPT\n", "prompts.py": 'BASE = "Be."\n'},
        at="prompts.py",
    ),
    "star import": Form(
        {
            "main.py": "from prompts import *  # SYSTEM_PROMPT\n",
            "prompts.py": 'SYSTEM_PROMPT = "B"\n',
        },
        at="prompts.py",
    ),
    "attribute of a module": Form(
        {
            "main.py": "import prompts\nSYSTEM_PROMPT = prompts.BASE\n",
            "prompts.py": 'BASE = "Be."\n',
        },
        at="prompts.py",
    ),
    "imported and assigned": Form(
        {
            "main.py": "from prompts import BASE\nSYSTEM_PROMPT = BASE.strip()\n",
            "prompts.py": 'BASE = "B "\n',
        },
        at="prompts.py",
    ),
    "with an imported constant": Form(
        {
            "main.py": 'from robot import NAME\nSYSTEM_PROMPT = f"You are {NAME}."\n',
            "robot.py": 'NAME = "go1"\n',
        }
    ),
    "package": Form(
        {
            "main.py": "from robot.prompts import SYSTEM_PROMPT\n",
            "robot/__init__.py": "",
            "robot/prompts.py": 'SYSTEM_PROMPT = "Be good."\n',
        },
        at="robot/prompts.py",
    ),
    "given on by a package": Form(
        {
            "main.py": "from robot import SYSTEM_PROMPT\n",
            "robot/__init__.py": "from .prompts import SYSTEM_PROMPT\n",
            "robot/prompts.py": 'SYSTEM_PROMPT = "Be good."\n',
        },
        at="robot/prompts.py",
    ),
    "package in src": Form(
        {
            "src/robot/__init__.py": "",
            "src/robot/brain.py": "from .prompts import SYSTEM_PROMPT\n",
            "src/robot/prompts.py": 'SYSTEM_PROMPT = "Be good."\n',
        },
        at="src/robot/prompts.py",
        entry="src/robot/prompts.py",
    ),
    "class in a package": Form(
        {"robot/__init__.py": "", "robot/brain.py": 'class B:\n    SYSTEM_PROMPT = "Be good."\n'},
        at="robot/brain.py",
        entry="robot/brain.py",
        get="B.SYSTEM_PROMPT",
    ),
}

NAMED = {
    "setting: another variable": Form(
        {"main.py": 'BASE = "Be good."\nOTHER = "x"\n'}, get="BASE", named="main.py:BASE"
    ),
    "setting: one of two files": Form(
        {"a.py": 'SYSTEM_PROMPT = "a"\n', "b.py": 'SYSTEM_PROMPT = "b"\n'},
        at="b.py",
        entry="b.py",
        named="b.py",
    ),
    "setting: one of two classes": Form(
        {"main.py": 'class A:\n    prompt = "a"\n\n\nclass B:\n    prompt = "b"\n'},
        get="B.prompt",
        named="main.py:B.prompt",
    ),
    "setting: an entry of a dict": Form(
        {"main.py": 'PROMPTS = {"plan": "Plan.", "act": "Act."}\n'},
        get="PROMPTS['act']",
        named="main.py:PROMPTS.act",
    ),
    "setting: one of two branches": Form(
        {"main.py": 'A = "a"\nB = "b"\nSYSTEM_PROMPT = A if __name__ else B\n'}, named="main.py:A"
    ),
}

CODE = LITERALS | FORMATTED | JOINED | SHAPED | NAMES | HOLDERS | MODULES | NAMED
