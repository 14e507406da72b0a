"""--help of every subcommand of the three commands has an example that this very parser takes."""

from __future__ import annotations

import argparse
import shlex

import pytest

from cadenzad.cli.reference.trees import COMMANDS, callable_in, parser_of

LEAVES = [parser for command in COMMANDS for parser in callable_in(parser_of(command))]


def example_of(parser: argparse.ArgumentParser) -> str:
    """The line under `example:` of a parser's help, as somebody would copy it."""
    _, found, rest = parser.format_help().partition("\nexample:\n  ")
    assert found, f"{parser.prog} --help has no example"
    return rest.splitlines()[0]


def commands_in(line: str) -> list[list[str]]:
    """The words of each command of a line: what a shell would run one after another."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("|&;"):
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


@pytest.mark.parametrize("parser", LEAVES, ids=lambda parser: parser.prog)
def test_the_example_is_a_call_of_this_command(parser: argparse.ArgumentParser) -> None:
    # given
    words = commands_in(example_of(parser))[0]
    prog = parser.prog.split()

    # when / then: a word that does not parse ends with SystemExit
    assert words[: len(prog)] == prog
    parser.parse_args(words[len(prog) :])
    assert callable(parser_of(prog[0]).parse_args(words[1:]).command)


@pytest.mark.parametrize("parser", LEAVES, ids=lambda parser: parser.prog)
def test_help_says_what_it_does_and_what_every_argument_is(
    parser: argparse.ArgumentParser,
) -> None:
    assert parser.description
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue  # its commands say themselves what they do
        assert action.help, f"{parser.prog}: {action.dest} is not explained"


def test_the_walk_sees_subcommands_of_every_depth() -> None:
    programs = {parser.prog for parser in LEAVES}
    assert {
        "cadenzad",
        "cadenzactl status",
        "cadenzactl config show",
        "cadenzactl jobs",
        "cadenzactl jobs retry",
        "cadenza env init",
    } < programs
