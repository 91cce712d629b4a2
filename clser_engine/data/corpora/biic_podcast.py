"""BIIC-Podcast, Taiwanese Mandarin podcasts.

Layout: that of MSP-Podcast, see `podcasts`. Documented in Upadhyay et al., "An Intelligent
Infrastructure Toward Large Scale Naturalistic Affective Speech Corpora Collection", ACII 2023, and
at https://biic.ee.nthu.edu.tw.
"""

from clser_engine.data.corpora import podcasts
from clser_engine.data.corpora.corpus import Corpus

CORPUS = Corpus(
    name="biic_podcast",
    title="BIIC-Podcast",
    languages=("cmn",),
    kind="podcasts, Taiwanese Mandarin",
    licence="by agreement with the National Tsing Hua University, academic",
    source="https://biic.ee.nthu.edu.tw",
    traps="Classes are very uneven. Clips of unknown speakers are kept together by podcast. "
    "Contempt, `other` and clips without agreement of the raters are `other`.",
    emotions=podcasts.EMOTIONS,
    example="Audios/BIIC-PODCAST_0001_0008.wav beside Labels/labels_consensus.csv",
    open_layout=podcasts.open_layout,
)
