from pathlib import Path

from app.controllers.analysis_queue import AnalysisQueue, QueuedClip


def clip(name):
    return QueuedClip(name, Path(name))


def order(queue):
    names = []
    while (taken := queue.take()) is not None:
        names.append(taken.clip_id)
    return names


def test_what_is_looked_at_comes_first_newest_before_oldest():
    queue = AnalysisQueue()
    queue.put_last([clip("a"), clip("b"), clip("c")])
    queue.put_first(clip("x"))
    queue.put_first(clip("b"))

    assert order(queue) == ["b", "x", "a", "c"]


def test_what_waits_already_keeps_its_place():
    queue = AnalysisQueue()
    queue.put_last([clip("a"), clip("b")])
    queue.put_last([clip("b"), clip("a"), clip("c")])

    assert order(queue) == ["a", "b", "c"]


def test_removing_tells_whether_it_waited():
    queue = AnalysisQueue()
    queue.put_last([clip("a"), clip("b")])

    assert queue.remove("a")
    assert not queue.remove("a")
    assert len(queue) == 1
    queue.clear()
    assert queue.take() is None
