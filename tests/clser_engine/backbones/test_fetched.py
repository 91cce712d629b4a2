"""Downloads: what is fetched, where a cut one goes on, what is refused, and without a network."""

import json
import os
import pickle
import shutil

import pytest
import torch

from clser_engine.backbones import download as download_module
from clser_engine.backbones.checkpoint import RECORD, open_checkpoint
from clser_engine.backbones.fetched import (
    find_fetched,
    list_fetched,
    list_unfinished,
    remove_fetched,
    remove_unfinished,
)
from clser_engine.backbones.hub import inspect_checkpoint
from clser_engine.backbones.pickled_weights import convert_checkpoint, read_pickled_weights
from clser_engine.backbones.registry import fetch, load_backbone
from clser_engine.errors import Cancelled, CheckpointError
from clser_engine.runtime import RunContext

NAME = "speech/tiny"
WEIGHTS = "model.safetensors"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download_module, "PAUSE_S", 0.0)
    monkeypatch.setattr(download_module, "CHUNK_BYTES", 4096)


@pytest.fixture
def published(hub, tiny_checkpoint):
    """The commit under which a tiny HuBERT is on the hub."""
    return hub.add(NAME, tiny_checkpoint("hubert"), licence="mit")


def refusal(*arguments, **settings) -> str:
    with pytest.raises(CheckpointError) as caught:
        fetch(*arguments, **settings)
    return str(caught.value)


def test_inspecting_tells_terms_and_sizes_and_downloads_nothing(hub, published, tiny_checkpoint):
    remote = inspect_checkpoint(NAME)

    folder = tiny_checkpoint("hubert")
    needed = ["config.json", "preprocessor_config.json", WEIGHTS]  # and no README
    assert [file.name for file in remote.files] == needed
    assert remote.size == sum((folder / name).stat().st_size for name in needed)
    assert (remote.licence, remote.revision) == ("mit", published)
    assert len(hub.requests) == 1


def test_a_fetched_checkpoint_is_pinned_recorded_and_works_offline(hub, published, monkeypatch):
    progress = []

    fetched = fetch(NAME, context=RunContext(lambda *report: progress.append(report)))

    record = json.loads((fetched.folder / RECORD).read_text())
    assert (record["name"], record["revision"], record["licence"]) == (NAME, published, "mit")
    assert set(record["files"]) == {"config.json", "preprocessor_config.json", WEIGHTS}
    assert all(published in path for method, path, _ in hub.requests if "resolve" in path)
    size = (fetched.folder / WEIGHTS).stat().st_size
    assert progress[-1] == (f"Downloading {WEIGHTS}", size, size)

    asked = len(hub.requests)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    backbone = load_backbone(NAME)
    assert len(hub.requests) == asked
    assert (backbone.name, backbone.licence) == (NAME, "mit")
    assert backbone.description["revision"] == published


def test_a_newer_commit_is_fetched_beside_the_pinned_one(hub, published, tiny_checkpoint):
    fetch(NAME)
    newer = hub.add(NAME, tiny_checkpoint("wavlm"))

    fetch(NAME)

    assert find_fetched(NAME).revision == newer
    assert find_fetched(NAME, published).revision == published
    assert find_fetched(NAME, published[:8]).revision == published
    assert find_fetched(NAME, "0123456") is None
    assert (
        load_backbone(NAME, revision=published, offline=True).description["config"]["model_type"]
        == "hubert"
    )


def test_fetching_again_downloads_nothing_again(hub, published):
    fetch(NAME)
    fetch(NAME)

    assert len(hub.ranges(WEIGHTS)) == 1


def test_a_cut_connection_goes_on_where_it_stopped(hub, published, tiny_checkpoint):
    hub.cut_after = 10_000

    fetched = fetch(NAME)

    assert hub.ranges(WEIGHTS)[:3] == ["", "bytes=10000-", "bytes=20000-"]
    assert (fetched.folder / WEIGHTS).read_bytes() == (
        tiny_checkpoint("hubert") / WEIGHTS
    ).read_bytes()


def test_a_cancelled_download_goes_on_in_the_next_run(hub, published, monkeypatch):
    monkeypatch.setattr(download_module.time, "monotonic", iter(range(10**6)).__next__)
    context = RunContext()

    def stop_in_the_middle(stage, done, total):
        if WEIGHTS in stage and done > 8000:
            context.cancel()

    context._on_progress = stop_in_the_middle
    with pytest.raises(Cancelled):
        fetch(NAME, context=context)
    assert find_fetched(NAME) is None
    assert "is not on this computer" in offline_refusal()

    [(name, size)] = list_unfinished()
    assert name == NAME
    assert size > 8000
    fetch(NAME)

    assert not list_unfinished()
    first, second = hub.ranges(WEIGHTS)
    assert first == ""
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 8000
    load_backbone(NAME, offline=True)


def test_a_damaged_half_is_noticed_by_its_hash_and_fetched_anew(hub, published, tiny_checkpoint):
    folder = inspect_folder(published)
    folder.mkdir(parents=True)
    (folder / f"{WEIGHTS}.partial").write_bytes(b"\0" * 5000)

    fetched = fetch(NAME)

    assert hub.ranges(WEIGHTS) == ["bytes=5000-", ""]
    open_checkpoint(fetched.folder)


def inspect_folder(commit):
    from clser_engine.backbones.fetched import UNFINISHED, checkpoints_folder

    return checkpoints_folder() / NAME.replace("/", "--") / f"{commit}{UNFINISHED}"


def test_a_file_that_comes_damaged_twice_is_refused(hub, published):
    hub.corrupts = 2

    message = refusal(NAME)

    assert message == (
        f"{WEIGHTS} came damaged from {hub.address.removeprefix('http://')} twice "
        f"(its hash is not the promised one); try again later."
    )
    assert find_fetched(NAME) is None


def test_a_file_that_comes_damaged_once_is_fetched_anew(hub, published):
    hub.corrupts = 1

    open_checkpoint(fetch(NAME).folder)

    assert hub.ranges(WEIGHTS) == ["", ""]


def test_a_fetched_file_that_was_damaged_later_is_noticed(hub, published):
    path = fetch(NAME).folder / WEIGHTS
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(CheckpointError) as caught:
        load_backbone(NAME)

    assert str(caught.value) == (
        f"{path} is damaged (its SHA-256 is not the recorded one); run `clser models remove {NAME}`"
        f" and fetch it again."
    )


def test_unknown_names_are_refused(hub):
    assert refusal("speech/nothing") == (
        f"{hub.address} has no checkpoint 'speech/nothing', or shows it only to those who may see "
        f"it; check the spelling (owner/name), or log in with `hf auth login`."
    )
    assert refusal("../../etc") == "Bad hub name: got '../../etc', expected owner/name."
    assert not [path for _, path, _ in hub.requests if "etc" in path]


def test_an_unknown_revision_is_refused(hub, published):
    assert refusal(NAME, "v9") == (
        f"{NAME} has no revision 'v9' on {hub.address}; give a branch, a tag or a commit."
    )


def test_a_gated_checkpoint_is_refused_with_the_way_in(hub, tiny_checkpoint):
    hub.add("speech/gated", tiny_checkpoint("hubert"), gated=True)

    assert refusal("speech/gated") == (
        f"speech/gated is given only to those who accept its terms; accept them on "
        f"{hub.address}/speech/gated, log in with `hf auth login` and try again."
    )


def test_a_token_is_shown_to_the_hub(hub, published, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    fetch(NAME)

    assert set(hub.tokens) == {"Bearer hf_secret"}


def test_a_failing_hub_is_told(hub, published):
    hub.is_down = True

    assert refusal(NAME) == f"{hub.address} refuses {NAME} (HTTP 503); try again later."


def test_no_network_is_told(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens

    assert refusal(NAME) == (
        f"http://127.0.0.1:9 cannot be reached to fetch {NAME}; check the network, or use a folder."
    )


def test_a_host_that_goes_away_is_told_and_the_half_is_kept(hub, published):
    hub.cut_after = 0

    message = refusal(NAME)

    assert "cannot be reached (" in message
    assert message.endswith(
        "check the network and run the same command again, which goes on where this one stopped."
    )


def offline_refusal(**settings) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_backbone(NAME, offline=True, **settings)
    return str(caught.value)


def test_offline_is_told(hub, published):
    assert offline_refusal() == (
        f"{NAME} is not on this computer; `clser models fetch {NAME}` shows its licence and size "
        f"and fetches it."
    )
    assert offline_refusal(revision="v1").startswith(f"{NAME} at revision 'v1' is not on this")
    assert not hub.requests


def test_a_full_disk_is_told_before_the_download(hub, published, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))

    message = refusal(NAME)

    assert message.startswith("The disk of ")
    assert message.endswith(
        " has 0.0 MB free and 0.0 MB are needed; free some space, or set CLSER_HOME to a folder on "
        "another disk."
    )
    assert not hub.ranges(WEIGHTS)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_disk_that_fills_up_is_told(hub, published):
    folder = inspect_folder(published)
    folder.mkdir(parents=True)
    (folder / f"{WEIGHTS}.partial").symlink_to("/dev/full")

    assert refusal(NAME) == f"The disk of {folder} is full; free some space."


def test_another_architecture_is_refused_before_the_download(hub, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / WEIGHTS).write_bytes(b"weights")
    hub.add("text/bert", tmp_path)

    assert refusal("text/bert") == (
        "text/bert is of the architecture 'bert', which is no speech encoder that can be used "
        "here; choose a checkpoint of wav2vec 2.0, XLS-R and MMS, HuBERT, WavLM, data2vec-audio, "
        "w2v-BERT 2.0, Whisper."
    )
    assert not hub.ranges(WEIGHTS)


def test_weights_as_pickle_are_refused_and_converted_if_asked(hub, tiny_checkpoint, tmp_path):
    original = tiny_checkpoint("hubert")
    folder = as_pickle(original, tmp_path / "pickled")
    hub.add("speech/old", folder)

    assert refusal("speech/old") == (
        "speech/old offers its weights only as pickle (pytorch_model.bin), which can run code when "
        "it is opened; add --convert to read its numbers without running anything and keep them as "
        "safetensors."
    )
    fetched = fetch("speech/old", convert=True)

    assert not (fetched.folder / "pytorch_model.bin").exists()
    waveform = torch.randn(1, 8000)
    assert torch.equal(
        load_backbone("speech/old")(waveform).layers[-1],
        load_backbone(original)(waveform).layers[-1],
    )


def as_pickle(checkpoint, folder):
    from safetensors.torch import load_file

    folder.mkdir()
    shutil.copy(checkpoint / "config.json", folder)
    shutil.copy(checkpoint / "preprocessor_config.json", folder)
    torch.save(load_file(checkpoint / WEIGHTS), folder / "pytorch_model.bin")
    return folder


def test_a_pickle_that_would_run_code_is_refused_and_runs_none(hub, tiny_checkpoint, tmp_path):
    folder = as_pickle(tiny_checkpoint("hubert"), tmp_path / "evil")
    touched = tmp_path / "touched"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(touched),)

    torch.save({"weight": Evil()}, folder / "pytorch_model.bin")
    hub.add("speech/evil", folder)

    message = refusal("speech/evil", convert=True)

    assert message.endswith(
        " is refused: it wants to call posix.mkdir, which is nothing that weights need; get the "
        "checkpoint as safetensors from somebody you trust."
    )
    assert not touched.exists()
    torch.load(folder / "pytorch_model.bin", weights_only=False)  # it would have
    assert touched.exists()


@pytest.mark.parametrize("protocol", [0, 4])
def test_a_pickle_that_torch_did_not_write_is_refused(tmp_path, protocol):
    path = tmp_path / "weights.bin"
    path.write_bytes(pickle.dumps({"weight": 1.0}, protocol=protocol))

    with pytest.raises(CheckpointError) as caught:
        read_pickled_weights(path)

    assert str(caught.value) == (
        f"{path} is no file of weights that can be read safely: expected the zip that torch has "
        f"written since version 1.6."
    )


def test_names_taken_from_the_stack_are_refused(tmp_path):
    path = tmp_path / "weights.bin"
    torch.save({"weight": torch.ones(2)}, path, pickle_protocol=4)

    with pytest.raises(CheckpointError, match="wants to call something by STACK_GLOBAL"):
        read_pickled_weights(path)


def test_a_repository_without_weights_is_refused(hub, tiny_checkpoint, tmp_path):
    shutil.copy(tiny_checkpoint("hubert") / "config.json", tmp_path)
    (tmp_path / "model.pt").write_bytes(b"")
    hub.add("speech/empty", tmp_path)

    assert refusal("speech/empty") == (
        "speech/empty has no weights that can be used: expected model.safetensors, found model.pt."
    )


def test_a_repository_without_settings_is_refused(hub, tmp_path):
    (tmp_path / "model.pt").write_bytes(b"")
    hub.add("emotion/foreign", tmp_path)

    assert refusal("emotion/foreign") == (
        "emotion/foreign is no checkpoint of transformers: it has no config.json on the hub."
    )


def test_weights_in_several_files_are_fetched_whole(hub, tiny_checkpoint, tmp_path):
    from tests.tiny_checkpoints import build_model

    build_model("xls-r").save_pretrained(tmp_path, max_shard_size="20KB")
    shutil.copy(tiny_checkpoint("xls-r") / "preprocessor_config.json", tmp_path)
    hub.add("speech/large", tmp_path)

    fetched = fetch("speech/large")

    assert len(list(fetched.folder.glob("model-*.safetensors"))) > 1
    waveform = torch.randn(1, 8000)
    assert torch.equal(
        load_backbone("speech/large")(waveform).layers[-1],
        load_backbone(tiny_checkpoint("xls-r"))(waveform).layers[-1],
    )


def test_removing_leaves_nothing_and_other_commits_alone(hub, published, tiny_checkpoint):
    fetch(NAME)
    hub.add(NAME, tiny_checkpoint("wavlm"))
    newer = fetch(NAME)

    remove_fetched(newer)

    assert [one.revision for one in list_fetched()] == [published]
    remove_fetched(find_fetched(NAME))
    assert not list_fetched()
    assert not newer.folder.parent.exists()


def test_an_interrupted_download_can_be_thrown_away(hub, published):
    hub.cut_after = 0
    refusal(NAME)
    assert list_unfinished()

    assert remove_unfinished(NAME)

    assert not list_unfinished()
    assert not remove_unfinished(NAME)


@pytest.mark.parametrize("kind", ["missing", "two", "occupied", "other"])
def test_what_cannot_be_converted_is_told(tiny_checkpoint, tmp_path, kind):
    folder = as_pickle(tiny_checkpoint("hubert"), tmp_path / "old")
    target = tmp_path / "new"
    if kind == "missing":
        (folder / "pytorch_model.bin").unlink()
        expected = f"{folder} must hold one file of weights as pickle to convert, and holds none."
    elif kind == "two":
        (folder / "more.pt").write_bytes(b"")
        expected = (
            f"{folder} must hold one file of weights as pickle to convert, and holds more.pt, "
            f"pytorch_model.bin."
        )
    elif kind == "occupied":
        target.mkdir()
        (target / "notes.txt").touch()
        expected = f"{target} is there already; give a folder that is not."
    else:
        (folder / "config.json").write_text("{}")
        expected = (
            f"{folder} is of the architecture None, which is no speech encoder that can be used "
            f"here; choose a checkpoint of wav2vec 2.0, XLS-R and MMS, HuBERT, WavLM, "
            f"data2vec-audio, w2v-BERT 2.0, Whisper."
        )

    with pytest.raises(CheckpointError) as caught:
        convert_checkpoint(folder, target)

    assert str(caught.value) == expected


def test_a_converted_folder_gives_the_same_frames(tiny_checkpoint, tmp_path):
    folder = as_pickle(tiny_checkpoint("wavlm"), tmp_path / "old")

    converted = convert_checkpoint(folder, tmp_path / "new")

    waveform = torch.randn(1, 8000)
    assert torch.equal(
        load_backbone(converted)(waveform).layers[-1],
        load_backbone(tiny_checkpoint("wavlm"))(waveform).layers[-1],
    )
