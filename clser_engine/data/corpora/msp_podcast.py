"""MSP-Podcast, English podcasts.

Layout and documents: see `podcasts`. Files of the hidden test set have no row and are passed over.
"""

from clser_engine.data.corpora import podcasts
from clser_engine.data.corpora.corpus import Corpus

CORPUS = Corpus(
    name="msp_podcast",
    title="MSP-Podcast",
    languages=("eng",),
    kind="podcasts, more than 2,000 speakers",
    licence="by agreement with the University of Texas at Dallas, academic",
    source="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
    traps="Classes are very uneven. The speaker of many clips is unknown: such clips are kept "
    "together by podcast, and the same person may still be in two podcasts. Contempt, `other` and "
    "clips without agreement of the raters are `other`.",
    emotions=podcasts.EMOTIONS,
    example="Audios/MSP-PODCAST_0001_0008.wav beside Labels/labels_consensus.csv",
    open_layout=podcasts.open_layout,
)
