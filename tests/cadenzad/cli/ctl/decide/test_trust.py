"""`cadenzactl trust`: what is trusted is this content, and it is named."""

from __future__ import annotations

import hashlib
import json

import pytest

from cadenzad.cli.programs import cadenzactl as main


@pytest.fixture
def encoder(rescue) -> str:
    """The hash of the project's own encoder."""
    (rescue / "lora_encoder.py").write_text("def build_encoder(max_seq_len): ...\n")
    return hashlib.sha256((rescue / "lora_encoder.py").read_bytes()).hexdigest()


def test_an_encoder_and_the_brain_are_trusted_as_they_are(home, rescue, encoder, run_cli) -> None:
    code, out, err = run_cli(main, "trust", "rescue")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == f"rescue: lora_encoder.py is trusted as it is now ({encoder[:12]})"
    assert second.startswith("rescue: main.py, with lora_encoder.py, is trusted as it is now (")
    trusted = [record.event for record in home.events("CodeTrusted")]
    assert [event.path for event in trusted] == ["lora_encoder.py", "main.py"]
    assert trusted[1].files == ("main.py", "lora_encoder.py")


def test_json_names_hash_and_files(rescue, encoder, run_cli) -> None:
    code, out, _ = run_cli(main, "trust", rescue, "--json")
    answer = json.loads(out)
    assert (code, answer["project"]) == (0, "rescue")
    assert answer["trusted"]["lora_encoder.py"] == encoder
    assert answer["files"]["main.py"] == ["main.py", "lora_encoder.py"]


def test_a_prompt_that_the_brain_reads_is_covered(rescue, run_cli) -> None:
    (rescue / "main.py").write_text(
        'SYSTEM_PROMPT = open("prompt.txt").read()\ndef decide(observation, system_prompt): ...\n'
    )
    (rescue / "prompt.txt").write_text("Be good.\n")
    code, out, _ = run_cli(main, "trust", "rescue", "--json")
    assert (code, json.loads(out)["files"]) == (0, {"main.py": ["main.py", "prompt.txt"]})


def test_a_project_that_nobody_recorded_yet_is_trusted_by_its_folder(
    home, rescue, tmp_path, run_cli
) -> None:
    stranger = tmp_path / "elsewhere" / "my dog"
    stranger.mkdir(parents=True)
    (stranger / "env.json").write_bytes((rescue / "env.json").read_bytes())
    (stranger / "main.py").write_text('SYSTEM_PROMPT = "x"\ndef decide(o, p): ...\n')
    code, out, _ = run_cli(main, "trust", stranger)
    assert code == 0
    assert out.startswith("my dog: main.py is trusted as it is now (")
    (trusted,) = home.events("CodeTrusted")
    assert trusted.stream == f"project:{stranger}"


def test_a_folder_that_is_no_project_is_not_trusted(home, tmp_path, run_cli, one_error) -> None:
    (tmp_path / "main.py").write_text('SYSTEM_PROMPT = "x"\ndef decide(o, p): ...\n')
    code, _, err = run_cli(main, "trust", tmp_path)
    assert code == 4
    assert one_error(err).endswith(": no project")
    assert "it has no env.json" in err


def test_a_prompt_in_two_places_is_no_brain_in_silence(rescue, run_cli, one_error) -> None:
    (rescue / "main.py").write_text('SYSTEM_PROMPT = "a"\nSYSTEM_PROMPT = "b"\n')
    code, _, err = run_cli(main, "trust", "rescue")
    assert code == 1
    assert "is set 2 times" in one_error(err)


def test_where_no_code_is_there_is_nothing_to_trust(home, rescue, run_cli, one_error) -> None:
    (rescue / "main.py").unlink()
    code, out, err = run_cli(main, "trust", "rescue")
    assert (code, out) == (1, "")
    assert "holds no code that would be run" in one_error(err)
    assert home.events("CodeTrusted") == []


def test_an_unknown_project_is_code_four(rescue, run_cli, one_error) -> None:
    code, out, err = run_cli(main, "trust", "nobody")
    assert (code, out) == (4, "")
    assert one_error(err) == "no project 'nobody'"


def test_without_a_project_it_is_a_usage_error(home, run_cli, one_error) -> None:
    code, _, err = run_cli(main, "trust")
    assert code == 2
    assert "project" in one_error(err)
