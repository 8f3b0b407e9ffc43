"""Leaks: each kind, planted in each way, is found; and a kit as it is made holds none."""

from __future__ import annotations

import base64
import bz2
import codecs
import gzip
import io
import json
import lzma
import marshal
import py_compile
import re
import tarfile
import textwrap
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import safetensors.torch
import torch

from cvlab.bank import Bank
from cvlab.grading.grader import Grader
from cvlab.misconceptions import read_file, read_misconceptions
from cvlab.releasing.leaks import Finding, Search, files_at
from cvlab.releasing.making import Kit, kit_files
from cvlab.releasing.notebooks import notebook_of
from cvlab.releasing.packing import zipped
from cvlab.sandbox.outcome import Answer

SOLUTION = """\
    t = t.unflatten(1, (num_anchors, -1))  # (B, A, K, H, W)
    t = t.permute(0, 3, 4, 1, 2)  # (B, H, W, A, K)
    return t.flatten(1, 3)
"""


# ----------------------------------------------------------------------------------------------------- nothing to find


def test_a_kit_of_the_whole_bank_holds_no_leak(kit: Kit, search: Search) -> None:
    assert search.findings(kit.files) == []
    assert search.findings({"kit.zip": zipped(kit.files)}) == []


def test_a_plain_search_finds_none_either(bank: Bank, kit: Kit) -> None:
    """An eye of its own: whole lines and sentences of what must stay, looked for as they are."""
    everything = "\n".join(f"{name}\n{data.decode('utf-8', 'replace')}" for name, data in kit.files.items())
    public = "\n".join(
        drill.text_of(path)
        for drill in bank.drills()
        for path in (*drill.exercise.glob("*.*"), drill.grader / "test_public.py")
    )
    for drill in bank.drills():
        told = read_file(drill).misconception
        hidden = drill.text_of(drill.grader / "test_hidden.py").splitlines()
        secrets = [
            *(line for line in lines_of(drill.text_of(drill.reference)) if len(line) > 40),
            *(line.strip() for line in hidden if len(line.strip()) > 60),
            *(text for entry in told for text in (entry.says, entry.hint) if len(text) > 40),
        ]
        assert len(secrets) > 50
        assert [secret for secret in secrets if secret in everything and secret not in public] == []


def test_a_kit_of_notebooks_holds_no_leak(bank: Bank, search: Search) -> None:
    files = kit_files(bank, bank.drills(), notebooks=True, seeds=[3]).files
    assert search.findings(files) == []


def test_what_anybody_writes_is_no_leak(search: Search) -> None:
    ours = """
    class Net(nn.Module):
        def __init__(self, in_channels: int, out_channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.conv(x))
            return x.mean()

    model = Net(3, 8)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(10):
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss 0.6931471805599453, accuracy 0.1000")
    """
    assert search.findings({"lecture.py": textwrap.dedent(ours).encode()}) == []


def test_code_of_torch_itself_is_hardly_ever_taken_for_a_leak(search: Search) -> None:
    folder = Path(torch.optim.__file__).parent
    found = search.findings(files_at(folder))
    assert {finding.kind for finding in found} <= {"unread"}  # compiled Python, if somebody imported it


# ----------------------------------------------------------------------------------------- every secret is looked for


def lines_of(source: str) -> list[str]:
    """Return the lines that a solution has between its marks, with some substance to them."""
    found, inside = [], False
    for line in source.splitlines():
        if line.strip() in ("# BEGIN SOLUTION", "# END SOLUTION"):
            inside = line.strip() == "# BEGIN SOLUTION"
        elif inside and len(re.findall(r"\w+|[^\w\s]", line.partition("#")[0])) >= 10:
            found.append(line.strip())
    return found


def test_nine_of_ten_solution_lines_of_some_length_are_told_of_each_by_itself(bank: Bank, search: Search) -> None:
    lines, missed = 0, []
    for drill in bank.drills():
        known = drill.text_of(drill.stub) + drill.text_of(drill.exercise / "README.md")
        telling = [line for line in lines_of(drill.text_of(drill.reference)) if line not in known]
        lines += len(telling)
        missed += [line for line in telling if not kinds(search, line) & {"solution"}]
    assert lines > 100
    assert len(missed) <= lines // 10, (
        missed
    )  # the others are what anybody writes: `self.pool = nn.AdaptiveAvgPool2d(1)`


def test_every_hidden_check_and_probe_is_told_of_by_its_name(bank: Bank, search: Search) -> None:
    checks = [check for drill in bank.drills() for check in Grader(drill, None).checks()]
    public = {check.name for check in checks if check.public}
    for check in checks:
        found = kinds(search, f"caught by {check.name.partition('[')[0]} alone")
        assert found == ({"hidden check"} if check.name not in public else set()), check.name
    for drill in bank.drills():
        text = drill.text_of(drill.probes)
        hidden = set(re.findall(r"(?m)^def ([a-z]\w*)\(solution", text)) - public_names(bank)
        for name in hidden:
            assert kinds(search, f"answer = submission(probes.{name})") == {"hidden probe"}, name


def public_names(bank: Bank) -> set[str]:
    texts = [drill.text_of(drill.grader / "test_public.py") for drill in bank.drills()]
    return {name for text in texts for name in re.findall(r"probes\.(\w+)", text)}


def test_every_misconception_is_told_of_by_what_it_says(bank: Bank, search: Search) -> None:
    for drill in bank.drills():
        hints = drill.text_of(drill.exercise / "hints.md")
        for entry in read_file(drill).misconception:
            if len(entry.says.split()) >= 8:
                assert "misconception" in kinds(search, entry.says), entry.id
            if len(entry.hint.split()) >= 12 and entry.hint[:40] not in " ".join(hints.split()):
                assert "misconception" in kinds(search, entry.hint), entry.id


def kinds(search: Search, text: str) -> set[str]:
    return {finding.kind.partition(" (")[0] for finding in search.findings({"a.txt": text.encode()})}


# ------------------------------------------------------------------------------------------------- every way to hide it

Plant = Callable[[bytes], dict[str, bytes]]
"""Turns a secret into files that hold it."""


def notebook(source: str = "x = 1", **cell: object) -> bytes:
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_markdown_cell("Hello."), nbformat.v4.new_code_cell(source, **cell)]
    return nbformat.writes(made).encode()


def stream(text: str) -> dict[str, bytes]:
    return {"a.ipynb": notebook(outputs=[nbformat.v4.new_output("stream", text=text)])}


def html_output(text: str) -> dict[str, bytes]:
    page = "".join(f"<span class='n'>{word}</span> " for word in text.replace("<", "&lt;").split(" "))
    shown = nbformat.v4.new_output("display_data", data={"text/html": f"<pre>{page}</pre>"})
    return {"a.ipynb": notebook(outputs=[shown])}


def in_zip(files: dict[str, bytes], **options: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:  # type: ignore[arg-type]
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zip_with_comment(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "Hello.")
        archive.comment = data
    return buffer.getvalue()


def in_tar(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("notes/a.py")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def in_png(data: bytes) -> bytes:
    """Return a picture with a compressed text chunk; nobody checks its sums."""
    body = b"Comment\0\0" + zlib.compress(data)
    return b"\x89PNG\r\n\x1a\n" + len(body).to_bytes(4, "big") + b"zTXt" + body + b"\0\0\0\0"


def wrapped_base64(data: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(data).decode(), 60)
    return "".join(f'    "{line}"\n' for line in lines).encode()


def in_safetensors(data: bytes) -> bytes:
    return safetensors.torch.save({"x": torch.zeros(2)}, metadata={"note": data.decode()})


def scattered(data: bytes) -> bytes:
    """Return a text between other lines, set in, each line a comment."""
    return b"import torch\n" + b"".join(b"        #   " + line + b"\n" for line in data.splitlines()) + b"x = 1\n"


PLANTS: dict[str, Plant] = {
    "a file of its own": lambda data: {"notes.md": data},
    "comments, set in": lambda data: {"a.py": scattered(data)},
    "a docstring": lambda data: {"a.py": b'def f():\n    """' + data.replace(b'"', b"'") + b'"""\n'},
    "a string with escapes": lambda data: {"a.py": b"x = " + repr(data.decode()).encode()},
    "letters as numbers": lambda data: {"a.py": "".join(f"\\x{byte:02x}" for byte in data).encode()},
    "another encoding": lambda data: {"a.txt": codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le")},
    "another encoding, unmarked": lambda data: {"a.bin": b"\0\1" + data.decode().encode("utf-16-le")},
    "wide letters": lambda data: {
        "a.txt": "".join(chr(b + 0xFEE0) if 33 <= b <= 126 else chr(b) for b in data).encode()
    },
    "letters nobody sees": lambda data: {"a.txt": "\u200b".join(data.decode()).encode()},
    "a cell": lambda data: {"a.ipynb": notebook(source=data.decode())},
    "a cell's output": lambda data: stream(data.decode()),
    "a cell's output as a page": lambda data: html_output(data.decode()),
    "a cell's metadata": lambda data: {"a.ipynb": notebook(metadata={"solution": data.decode()})},
    "a notebook's metadata": lambda data: {
        "a.ipynb": json.dumps({"cells": [], "metadata": {"x": {"y": data.decode()}}, "nbformat": 4}).encode()
    },
    "a key of JSON": lambda data: {"a.json": json.dumps({data.decode(): 1}).encode()},
    "base64": lambda data: {"a.py": b'x = b64decode("' + base64.b64encode(data) + b'")'},
    "base64 for addresses": lambda data: {"a.py": b"x='" + base64.urlsafe_b64encode(data).rstrip(b"=") + b"'"},
    "base64 over lines": lambda data: {"a.py": b"x = (\n" + wrapped_base64(data) + b")\n"},
    "base64 in a cell's output": lambda data: stream(base64.b64encode(data).decode()),
    "packed base64": lambda data: {"a.py": b'x = "' + base64.b64encode(zlib.compress(data)) + b'"'},
    "base85": lambda data: {"a.py": b'x = "' + base64.b85encode(data) + b'"'},
    "hexadecimal": lambda data: {"a.py": b'x = "' + data.hex().encode() + b'"'},
    "gzip": lambda data: {"a.gz": gzip.compress(data)},
    "the second stream of a gzip": lambda data: {"a.gz": gzip.compress(b"Hello.") + gzip.compress(data)},
    "bzip2": lambda data: {"a.bz2": bz2.compress(data)},
    "xz": lambda data: {"a.xz": lzma.compress(data)},
    "a zip": lambda data: {"a.zip": in_zip({"a.py": data}, compression=zipfile.ZIP_DEFLATED)},
    "a zip of another name": lambda data: {"a.docx": in_zip({"word/a.xml": data}, compression=zipfile.ZIP_LZMA)},
    "a zip behind a picture": lambda data: {
        "a.png": b"\x89PNG\r\n\x1a\n" + in_zip({"a.py": data}, compression=zipfile.ZIP_DEFLATED)
    },
    "a zip in a zip": lambda data: {"a.zip": in_zip({"b.zip": in_zip({"c.zip": in_zip({"d.py": data})})})},
    "the comment of a zip": lambda data: {"a.zip": zip_with_comment(data)},
    "a tar": lambda data: {"a.tar.gz": in_tar(data)},
    "a picture's comment": lambda data: {"a.png": in_png(data)},
    "the metadata of tensors": lambda data: {"a.safetensors": in_safetensors(data)},
    "a program's constants": lambda data: {"a.bin": marshal.dumps(compile(f"x = {data.decode()!r}", "a", "exec"))},
    "a page": lambda data: {"a.html": b"<p>" + data.replace(b"<", b"&lt;").replace(b" ", b"&#32;") + b"</p>"},
    "an address": lambda data: {
        "a.md": b"[x](https://x.example/?q=" + data.replace(b" ", b"%20").replace(b"\n", b"%0A") + b")"
    },
}

SECRETS = {
    "solution": SOLUTION,
    "hidden check": "test_a_shifted_pattern_shifts_rows_and_anchors",
    "hidden probe": "answer = submission(probes.predictions_on_bright_maps)",
    "misconception": "The map of predictions is reshaped to rows without moving its channels to the end first.",
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("plant", PLANTS)
def test_a_secret_is_found_wherever_it_is_planted(search: Search, kit: Kit, plant: str, kind: str) -> None:
    found = search.findings({**near(kit), **PLANTS[plant](SECRETS[kind].encode())})
    assert kind in {finding.kind for finding in found}
    assert all(finding.place.startswith("a.") or finding.place.startswith("notes.md") for finding in found)


def near(kit: Kit) -> dict[str, bytes]:
    """Return some files of the kit, so that the plant is not alone."""
    return {name: data for name, data in kit.files.items() if name.startswith("bank/exercises/04_anchor_head/README")}


def test_a_finding_says_where_it_is(search: Search) -> None:
    (found, *_) = search.findings({"a.py": b"import torch\n\n" + SOLUTION.encode()})
    assert found == Finding(
        "a.py", 3, "solution", found.secret, "t = t.unflatten(1, (num_anchors, -1)) # (B, A, K, H, W)"
    )
    assert re.fullmatch(r"04-anchor-head, line \d+", found.secret)
    (found, *_) = search.findings(stream(SOLUTION))
    assert found.place == "a.ipynb » cell 2 outputs 1 text"


def test_a_solution_with_other_names_of_variables_is_found(search: Search) -> None:
    text = SOLUTION.replace("num_anchors", "how_many").replace("t.", "predictions.").replace("t = ", "predictions = ")
    assert "predictions = predictions.permute(0, 3, 4, 1, 2)" in text
    assert "solution" in kinds(search, text)


def test_a_solution_with_its_lines_joined_is_found(search: Search) -> None:
    assert "solution" in kinds(search, "; ".join(line.strip() for line in SOLUTION.splitlines()))


@pytest.mark.parametrize("of", ["solution", "hidden check", "misconception"])
def test_compiled_python_is_always_told_of(search: Search, bank: Bank, of: str, tmp_path: Path) -> None:
    drill = bank.find("04")
    source = {
        "solution": drill.text_of(drill.reference),
        "hidden check": drill.text_of(drill.grader / "test_hidden.py"),
        "misconception": read_misconceptions(drill)[0].source,
    }[of]
    (tmp_path / "a.py").write_text(source)
    py_compile.compile(str(tmp_path / "a.py"), cfile=str(tmp_path / "a.pyc"), doraise=True)
    found = search.findings({"a.pyc": (tmp_path / "a.pyc").read_bytes()})
    assert "unread" in {finding.kind for finding in found}
    assert {"solution", "hidden check"} & {finding.kind for finding in found}  # by its strings


@pytest.mark.parametrize("name", ["graders/04_anchor_head/test_hidden.py", "misconceptions.toml", "view-no-permute.py"])
def test_the_name_of_a_file_can_be_the_leak(search: Search, name: str) -> None:
    assert search.findings({name: b""})
    assert search.findings({"a.zip": in_zip({name: b""})})


def test_marks_of_a_solution_and_names_of_mistakes_between_quotes_are_found(search: Search) -> None:
    assert kinds(search, "# BEGIN SOLUTION") == {"mark of a solution"}
    assert kinds(search, '{"diagnosis": "x-major"}') == {"misconception"}
    assert kinds(search, "an x-major order") == set()


# ------------------------------------------------------------------------------------------------------ hidden answers


@pytest.fixture(scope="module")
def answer(bank: Bank) -> torch.Tensor:
    """Numbers that a hidden probe gets from the reference."""
    outcome = Grader(bank.find("04"), None).model().ask("predictions_in_float32")
    assert isinstance(outcome, Answer)
    tensor: torch.Tensor = next(iter(outcome.value.values()))[0]
    return tensor.flatten()[:24]  # (24,)


ANSWERS: dict[str, Callable[[torch.Tensor], dict[str, bytes]]] = {
    "as it is printed": lambda answer: {"a.txt": str(answer).encode()},
    "in rows": lambda answer: {"a.txt": str(answer.reshape(4, 6)).encode()},
    "as a list": lambda answer: {"a.json": json.dumps(answer.tolist()).encode()},
    "one alone": lambda answer: {"a.md": f"The first one is {answer[0].item()}.".encode()},
    "in a cell's output": lambda answer: stream(str(answer)),
    "as tensors": lambda answer: {"a.safetensors": safetensors.torch.save({"x": answer[3:9].contiguous()})},
    "as bytes": lambda answer: {"a.bin": b"xyz" + answer[1:7].numpy().tobytes()},
    "as bytes, in base64": lambda answer: {"a.py": b'"' + base64.b64encode(answer[1:].numpy().tobytes()) + b'"'},
    "in a zip of torch": lambda answer: {"a.pt": saved(answer)},
}


def saved(answer: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.save({"x": answer}, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("way", ANSWERS)
def test_a_hidden_answer_is_found(search: Search, answer: torch.Tensor, way: str) -> None:
    found = search.findings(ANSWERS[way](answer))
    assert "hidden answer" in {finding.kind for finding in found}
    assert "04-anchor-head, predictions_in_float32, seed 0" in {finding.secret for finding in found}


def test_other_numbers_are_no_answers(search: Search) -> None:
    numbers = torch.randn(5_000, generator=torch.Generator().manual_seed(4))  # (5000,)
    with torch.no_grad():
        text = f"{numbers.tolist()}\n{numbers[:900]}"
    assert search.findings({"a.txt": text.encode(), "a.bin": numbers.numpy().tobytes()}) == []


def test_recorded_answers_to_public_probes_are_none(kit: Kit, search: Search) -> None:
    names = [name for name in kit.files if name.endswith((".safetensors", "answers.json"))]
    assert len(names) > 7
    assert search.findings({name: kit.files[name] for name in names}) == []


def test_a_notebook_made_of_a_solution_is_full_of_it(search: Search, bank: Bank) -> None:
    drill = bank.find("01")
    data = notebook_of(drill, "# Brief", drill.text_of(drill.reference))
    assert "solution" in {finding.kind for finding in search.findings({"a.ipynb": data})}
