"""Tests of clser_engine.service.server: the scores of a project."""

import pytest

from clser_engine.errors import BadValueError, Cancelled, ServiceError
from clser_engine.runtime import RunContext
from clser_engine.types import GroupSummary


def test_project_is_scored_with_the_statistics_of_all(engine, recording):
    paths = [recording(f"frames={n}") for n in (10, 20)]
    hashes = [engine.client.analyze(path, RunContext()).sha256 for path in paths]

    scores = engine.client.score_project([*hashes, "00" * 32], RunContext())

    assert set(scores.utterances) == set(hashes)
    found = {score.statistics for score in scores.utterances.values()}
    assert found == {"project (2 clips)"}
    assert scores.summary == GroupSummary(
        statistics="auto", clips=2, words="project (2 clips)", notices=("speakers ,",)
    )


def test_scoring_passes_on_who_speaks_and_how_to_score(engine, recording):
    paths = [recording(f"frames={n}") for n in (10, 20)]
    hashes = [engine.client.analyze(path, RunContext()).sha256 for path in paths]

    scores = engine.client.score_project(
        [hashes[0], "00" * 32, hashes[1]],
        RunContext(),
        speakers=["anna", "nobody", "ben"],
        statistics="speaker",
        propagate=True,
    )

    assert scores.summary.statistics == "speaker"
    assert scores.summary.notices == ("speakers anna,ben", "propagated")


def test_scoring_of_an_older_client_uses_the_project(engine, recording):
    sha256 = engine.client.analyze(recording("frames=10"), RunContext()).sha256

    scores = engine.client.score_project([sha256], RunContext(), statistics="")

    assert scores.summary.statistics == "project"


def test_speakers_must_be_as_many_as_recordings(engine):
    with pytest.raises(
        ServiceError,
        match=r"names 1 speakers for 2 recordings; name one for each, or none at all\.",
    ):
        engine.client.score_project(["00" * 32, "11" * 32], RunContext(), speakers=["anna"])


def test_unknown_statistics_are_refused(engine):
    with pytest.raises(
        BadValueError,
        match=r"Bad statistics: got 'all', expected one of none, project, speaker or auto\.",
    ):
        engine.client.score_project(["00" * 32], RunContext(), statistics="all")


def test_project_without_analyses_has_no_scores(engine):
    scores = engine.client.score_project(["00" * 32], RunContext())

    assert scores.utterances == {}
    assert scores.summary.clips == 0


def test_scoring_can_be_cancelled(engine):
    context = RunContext()
    context.cancel()

    with pytest.raises(Cancelled):
        engine.client.score_project(["00" * 32] * 1000, context)
