"""BIIC-Podcast, Taiwanese Mandarin podcasts.

Documented in Upadhyay et al., "An Intelligent Infrastructure Toward Large Scale Naturalistic
Affective Speech Corpora Collection", ACII 2023, and at https://biic.ee.nthu.edu.tw, but without its
files.

Layout: second-hand. No readme of a release (papers name 1.01) is public; public programs read a
table with FileName, EmoClass in numbers in MSP-Podcast's order, Split_Set and Speaker, and sound in
`Audios`. So it is read like MSP-Podcast, see `podcasts`, whose readme (1.12) names `Audios`,
`Labels/labels_consensus.csv` and `Transcripts`. That the table has the same name is a guess.
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
