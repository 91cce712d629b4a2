"""Tests of app.views.label_strip, against a search through all labels."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.labels import Label, Origin
from app.views.label_strip import NO_LABEL, LabelStrip


def make_label(number, start_s, end_s):
    return Label(
        label_id=str(number),
        clip_id="clip",
        answer="anger",
        origin=Origin.HAND,
        annotator="",
        created_at="",
        start_s=start_s,
        end_s=end_s,
    )


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 15)).map(lambda pair: (pair[0], sum(pair))),
    max_size=12,
)


@given(spans=spans)
def test_the_label_that_starts_last_shows(spans):
    labels = [make_label(number, *span) for number, span in enumerate(spans)]
    strip = LabelStrip(labels)

    for time_s in np.arange(-0.5, 60, 0.5):
        covering = [label.start_s for label in labels if label.start_s <= time_s < label.end_s]
        index = strip.index_at(time_s)
        if not covering:
            assert index == NO_LABEL
        else:
            found = strip.labels[index]
            assert found.start_s == max(covering)
            assert found.start_s <= time_s < found.end_s


@given(spans=spans, bins=st.integers(1, 30))
def test_each_column_names_a_label_that_touches_it(spans, bins):
    labels = [make_label(number, *span) for number, span in enumerate(spans)]
    strip = LabelStrip(labels)

    indices = strip.indices(5.0, 35.0, bins)

    edges = np.linspace(5.0, 35.0, bins + 1)
    for column, index in enumerate(indices):
        left, right = edges[column], edges[column + 1]
        touching = [label for label in labels if label.start_s < right and label.end_s > left]
        if index == NO_LABEL:
            assert not touching
        else:
            assert strip.labels[index] in touching


def test_a_short_label_stays_visible_with_hours_on_screen():
    strip = LabelStrip([make_label(0, 7000.0, 7000.05)])

    assert (strip.indices(0.0, 28_800.0, 1800) == 0).sum() == 1


def test_whole_clip_labels_are_none_of_its_business():
    assert LabelStrip([make_label(0, None, None)]).labels == []


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_a_hundred_thousand_labels_are_found_quickly(overlap):
    labels = [make_label(number, number, number + 0.8 + overlap) for number in range(100_000)]
    strip = LabelStrip(labels)

    began = time.process_time()
    for _ in range(20):
        strip.indices(0.0, 100_000.0, 1920)
    seconds = (time.process_time() - began) / 20

    assert seconds < 0.1  # a look at each label takes longer
    assert strip.index_at(5000.2) == 5000
