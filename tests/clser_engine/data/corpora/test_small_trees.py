"""Every reader on a small tree of its corpus's shape, with what that corpus does to the unwary."""

# ruff: noqa: E501, RUF001  (one case a line; texts of corpora)

import pytest

from clser_engine.data.corpora.read import read_corpus
from clser_engine.data.corpora.table import find_corpus
from clser_engine.errors import ManifestError


def part(row, *names):
    return tuple(row.get(name, "") for name in names)


FACTS = ("speaker", "emotion", "emotion_original", "gender", "intensity", "sentence_id")


@pytest.mark.parametrize(
    ("name", "path", "facts"),
    [
        ("emodb", "wav/16b10Lb.wav", ("16", "other", "Langeweile", "female", "", "b10")),
        ("emovo", "EMOVO/M2/TRI-M2-N5.wav", ("m2", "sadness", "tristezza", "male", "", "n5")),
        ("ravdess", "Actor_24/03-01-02-01-02-01-24.wav", ("24", "other", "calm", "female", "normal", "02")),
        ("urdu", "Sad/SF10_F2_S12.wav", ("SF10", "sadness", "Sad", "female", "", "")),
        ("nemo", "samples/WR0_surprised_25.wav", ("WR0", "surprise", "surprised", "male", "", "25")),
        ("crema_d", "AudioWAV/1091_IEO_SAD_HI.wav", ("1091", "sadness", "sad", "female", "high", "IEO")),
        ("crema_d", "AudioWAV/1001_DFA_HAP_XX.wav", ("1001", "happiness", "happy", "male", "", "DFA")),
        ("savee", "AudioData/KL/su07.wav", ("KL", "surprise", "surprise", "male", "", "su07")),
        ("savee", "ALL/JE_sa15.wav", ("JE", "sadness", "sadness", "male", "", "sa15")),
        ("savee", "ALL/JE_a01.wav", ("JE", "anger", "anger", "male", "", "a01")),
        ("tess", "YAF_pleasant_surprised/YAF_back_ps.wav", ("YAF", "surprise", "pleasant surprise", "female", "", "back")),
        ("tess", "OAF_neutral/OA_bite_neutral.wav", ("OAF", "neutral", "neutral", "female", "", "bite")),
        ("casia", "ZhaoZuoxiang/surprise/250.wav", ("ZhaoZuoxiang", "surprise", "surprise", "male", "", "250")),
        ("casia", "不同文本100/Chang.Liu/normal/007.wav", ("liuchanhg", "neutral", "neutral", "female", "", "neutral-007")),
        ("enterface", "subject 1/happiness/sentence 5/s1_ha_5.avi", ("1", "happiness", "happiness", "", "", "ha5")),
        ("enterface", "subject 6/fear/s6_fe_2.avi", ("6", "fear", "fear", "", "", "fe2")),
        ("enterface", "subject 11/anger/sentence 1/s12_an_1.avi", ("11", "anger", "anger", "", "", "an1")),
        ("enterface", "subject 3/sadness/sentence 2/s_3_sa_2.avi", ("3", "sadness", "sadness", "", "", "sa2")),
        ("enterface", "subject 16/surprise/sentence 3/s16_su_3avi.avi", ("16", "surprise", "surprise", "", "", "su3")),
        ("esd", "0010/Angry/0010_000351.wav", ("0010", "anger", "Angry", "", "", "cmn001")),
        ("esd", "0011/Surprise/test/0011_001750.wav", ("0011", "surprise", "Surprise", "", "", "eng350")),
        ("esd", "0020/Neutral/train/0020_000350.wav", ("0020", "neutral", "Neutral", "", "", "eng350")),
        ("cafe", "Colère/Fort/01-C-2-1.wav", ("01", "anger", "colère", "male", "strong", "1")),
        ("cafe", "Neutre/12-N-0-6.aiff", ("12", "neutral", "neutre", "female", "", "6")),
        ("subesco", "F_02_MONIKA_S_10_NEUTRAL_5.wav", ("F_02", "neutral", "NEUTRAL", "female", "", "10")),
        ("aesdd", "happiness/h09 (4)b.wav", ("4", "happiness", "happiness", "", "", "09")),
        ("shemo", "female/F14A09.wav", ("F14", "anger", "anger", "female", "", "")),
        ("shemo", "male/M02F01.wav", ("M02", "fear", "fear", "male", "", "")),
        ("ased", "02Fearful/f2-05-01-02-60.wav", ("60", "fear", "fearful", "male", "", "f05")),
        ("turev_db", "Sound Source/Calm/7895_sk_ogul1.wav", ("7895", "other", "Calm", "", "", "ogul")),
        ("turev_db", "all/1358_mt_acik.wav", ("1358", "happiness", "Happy", "", "", "acik")),
        ("turev_db", "Sound Source/Sad/7895_hl_gezi.wav", ("7895", "sadness", "Sad", "", "", "gezi")),
        ("oreau", "OréauFR_02/m/sesst/14a03Ta.wav", ("14", "sadness", "tristesse", "male", "", "Ta03")),
        ("mesd", "Anger_C_B_muy bien.wav", ("children", "anger", "Anger", "", "", "B-muy bien")),
        ("folder", "02_Happy/clip.wav", ("unknown", "happiness", "happy", "", "", "")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [None, ".flac"])
def test_a_path_tells_what_the_file_holds(rows_of, name, path, facts, suffix):
    if suffix:
        path = path[: path.rindex(".")] + suffix

    rows, _ = rows_of(name, [path], language="deu" if name == "folder" else None)

    assert part(rows[path], *FACTS) == facts


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("emodb", "03a01Fa.wav", "Der Lappen liegt auf dem Eisschrank."),
        ("crema_d", "1001_TAI_ANG_XX.wav", "The airplane is almost full."),
        ("tess", "OAF_chalk_sad.wav", "Say the word chalk."),
        ("cafe", "02-J-1-5.wav", "Cinq pumas fiers et passionnés"),
        ("mesd", "Fear_F_A_abajo.wav", "abajo"),
    ],
)
def test_texts_that_are_known_are_told(rows_of, name, path, text):
    rows, _ = rows_of(name, [path])

    assert rows[path]["transcript"] == text


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("emodb", "wav/silence.wav"),
        ("ravdess", "Actor_01/02-01-01-01-01-01-01.mp4"),  # without sound
        ("ravdess", "Actor_01/03-02-01-01-01-01-01.wav"),  # a song
        ("savee", "XX/a01.wav"),
        ("casia", "someone/angry/201.wav"),
        ("esd", "0011/Angry/0011_001751.wav"),
        ("subesco", "F_02_MONIKA_S_10_BORED_5.wav"),
        ("turev_db", "Sound Source/Sad/7895_xx_gezi.wav"),
        ("folder", "loose.wav"),
    ],
)
def test_other_files_are_passed_over(tree, name, path):
    good = {
        "emodb": "wav/03a01Fa.wav",
        "ravdess": "Actor_01/03-01-01-01-01-01-01.wav",
        "savee": "DC/a01.wav",
        "casia": "wangzhe/angry/201.wav",
        "esd": "0011/Angry/0011_000351.wav",
        "subesco": "F_02_MONIKA_S_10_SAD_5.wav",
        "turev_db": "Sad/7895_hl_gezi.wav",
        "folder": "anger/clip.wav",
    }[name]
    folder = tree({path: None, good: None})

    reading = read_corpus(find_corpus(name), folder, language="deu")

    assert [u.path for u in reading.utterances] == [folder / good]
    assert reading.unknown == [folder / path]


@pytest.mark.parametrize(
    ("name", "paths", "kept"),
    [
        ("ravdess", ["Actor_01/03-01-01-01-01-01-01.wav", "again/Actor_01/03-01-01-01-01-01-01.wav"], 0),
        ("ravdess", ["Video/01-01-01-01-01-01-01.mp4", "Actor_01/03-01-01-01-01-01-01.wav"], 1),
        ("crema_d", ["AudioMP3/1001_DFA_ANG_XX.mp3", "AudioWAV/1001_DFA_ANG_XX.wav"], 1),
        ("tess", ["deep/OAF_angry/OAF_back_angry.wav", "OAF_angry/OAF_back_angry.wav"], 1),
        ("savee", ["AudioData/DC/a01.wav", "ALL/DC_a01.wav"], 1),
        ("cafe", ["192/Colère/01-C-2-1.aiff", "48/Colère/01-C-2-1.wav"], 1),
    ],
)  # fmt: skip
def test_copies_of_a_recording_are_read_once(tree, name, paths, kept):
    folder = tree(dict.fromkeys(paths))

    reading = read_corpus(find_corpus(name), folder)

    assert [u.path for u in reading.utterances] == [folder / paths[kept]]
    assert reading.copies == [folder / paths[1 - kept]]


def test_casia_names_repeat_and_are_told_apart(rows_of):
    paths = [f"{s}/{e}/201.wav" for s in ("wangzhe", "liuchanhg") for e in ("angry", "sad")]

    rows, reading = rows_of("casia", [*paths, "不同文本100/Zhe.Wang/angry/201.wav"])

    assert len(rows) == 5
    assert reading.copies == []
    assert {row["language"] for row in rows.values()} == {"cmn"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_esd_has_two_languages_parts_and_texts_in_any_encoding(rows_of, encoding):
    text = "0001_000351\t他的父亲。\t生气\r\n0001_000352\t好\t生气\r\n\r\n".encode(encoding)

    rows, _ = rows_of(
        "esd",
        {
            "0001/Angry/train/0001_000351.wav": None,
            "0001/0001.txt": text,
            "0011/Happy/evaluation/0011_000701.wav": None,
            "0011/0011.txt": "0011_000701\tThe nine the eggs, I keep.\tHappy\n",
        },
    )

    mandarin, english = rows.values()
    assert part(mandarin, "language", "transcript", "partition") == ("cmn", "他的父亲。", "train")
    assert part(english, "language", "transcript", "partition") == (
        "eng",
        "The nine the eggs, I keep.",
        "evaluation",
    )


def test_nemo_texts_come_from_its_table(rows_of):
    table = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
    rows, reading = rows_of(
        "nemo",
        {
            "data.tsv": table
            + "AB1_anger_1.wav\tanger\tLubię czytać.\tlubię czytać\t        AB1\tfemale\t30\n"  # as published: with spaces
            + "AB1_fear_2.wav\tfear\tNie.\tnie\tAB1\tfemale\t30\n",
            "samples/AB1_anger_1.wav": None,
        },
    )

    assert part(rows["samples/AB1_anger_1.wav"], "gender", "transcript") == (
        "female",
        "Lubię czytać.",
    )
    assert reading.missing == ["AB1_fear_2"]


def test_shemo_texts_come_from_its_json(rows_of):
    json = '{"F21N37": {"speaker_id": "F21", "gender": "female", "emotion": "neutral", "transcript": "مگه"}}'

    rows, _ = rows_of("shemo", {"female/F21N37.wav": None, "shemo.json": json})

    assert rows["female/F21N37.wav"]["transcript"] == "مگه"


MELD_HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def test_meld_numbers_begin_anew_in_each_part_and_clips_may_be_missing(rows_of):
    rows, reading = rows_of(
        "meld",
        {
            "train_sent_emo.csv": MELD_HEADER
            + '1,"You\x92re ""it"", ok",Ross,joy,positive,0,0,1,1,"0:0:1,1","0:0:2,2"\n'
            + "2,Lost,Rachel,anger,negative,0,1,1,1,,\n",
            "dev_sent_emo.csv": MELD_HEADER + "1,Hm,Ross,neutral,neutral,0,0,1,2,,\n",
            "test_sent_emo.csv": MELD_HEADER + "1,Eh,Phoebe,disgust,negative,0,0,1,3,,\n",
            "train/train_splits/dia0_utt0.mp4": None,
            "dev/dev_splits_complete/dia0_utt0.mp4": None,
            "test/output_repeated_splits_test/dia0_utt0.mp4": None,
            "test/output_repeated_splits_test/final_videos_testdia0_utt0.mp4": None,
            "test/output_repeated_splits_test/._dia0_utt0.mp4": None,
            "train/train_splits/dia9_utt9.mp4": None,
        },
    )

    facts = [part(row, "speaker", "emotion", "partition", "transcript") for row in rows.values()]
    assert facts == [
        ("Ross", "neutral", "dev", "Hm"),
        ("Phoebe", "disgust", "test", "Eh"),
        ("Ross", "happiness", "train", 'You’re "it", ok'),
    ]
    assert reading.missing == ["train/dia0_utt1"]
    assert sorted(p.name for p in reading.unknown) == [
        "dia9_utt9.mp4",
        "final_videos_testdia0_utt0.mp4",
    ]


EMO_EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\texc\t[4.5000, 4.0000, 3.0000]

[14.8872 - 18.0175]\tSes01F_impro01_M002\txxx\t[2.5000, 3.0000, 2.5000]
"""


def test_iemocap_labels_speakers_and_texts(rows_of):
    wav = "Session1/sentences/wav"
    rows, reading = rows_of(
        "iemocap",
        {
            "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": EMO_EVALUATION,
            "Session1/dialog/EmoEvaluation/Ses01M_script01_1.txt": "[1.0 - 2.0]\tSes01M_script01_1_FXX012\tfru\t[1.0, 2.0, 3.0]\n",
            "Session1/dialog/EmoEvaluation/Attribute/Ses01F_impro01_e1.txt": "Ses01F_impro01_F000 :act 3;",
            "Session1/dialog/transcriptions/Ses01F_impro01.txt": "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\nM: um\n",
            "Session1/dialog/wav/Ses01F_impro01.wav": None,
            f"{wav}/Ses01F_impro01/Ses01F_impro01_F000.wav": None,
            f"{wav}/Ses01F_impro01/Ses01F_impro01_M001.wav": None,
            f"{wav}/Ses01M_script01_1/Ses01M_script01_1_FXX012.wav": None,
        },
    )

    facts = [
        part(r, "speaker", "emotion", "emotion_original", "setting", "valence")
        for r in rows.values()
    ]
    assert facts == [
        ("Ses01F", "neutral", "neutral state", "improvised", "2.5000"),
        ("Ses01M", "happiness", "excitement", "improvised", "4.5000"),
        ("Ses01F", "other", "frustration", "scripted", "1.0"),
    ]
    assert rows[f"{wav}/Ses01F_impro01/Ses01F_impro01_F000.wav"]["transcript"] == "Excuse me."
    assert reading.missing == ["Ses01F_impro01_M002"]
    assert [p.name for p in reading.unknown] == ["Ses01F_impro01.wav"]


@pytest.mark.parametrize(
    ("name", "stem"), [("msp_podcast", "MSP-PODCAST"), ("biic_podcast", "BIIC-PODCAST")]
)
@pytest.mark.parametrize("table", ["labels_consensus.csv", "labels_concensus.csv"])
def test_podcasts_have_parts_unknown_speakers_and_hidden_labels(rows_of, name, stem, table):
    rows, reading = rows_of(
        name,
        {
            f"Labels/{table}": "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
            f"{stem}_0001_0008.wav,N,2.2,4.0,2.6,30,Male,Test1\n"
            f"{stem}_0002_0001.wav,C,5,2,5,Unknown,Unknown,Train\n"
            f"{stem}_0002_0002_01.wav,H,5,2,5,Unknown,Female,Validation\n"
            f"{stem}_0003_0001.wav,X,5,2,5,31,Female,Development\n",
            f"Audios/{stem}_0001_0008.wav": None,
            f"Audios/{stem}_0002_0001.wav": None,
            f"Audios/{stem}_0002_0002_01.wav": None,
            f"Audios/{stem}_test3_0001.wav": None,
            f"Transcripts/{stem}_0001_0008.txt": "so  yeah\n",
        },
    )

    facts = [
        part(r, "speaker", "emotion", "emotion_original", "gender", "partition")
        for r in rows.values()
    ]
    assert facts == [
        ("30", "neutral", "neutral", "male", "test1"),
        (f"unknown of {stem}_0002", "other", "contempt", "", "train"),
        (f"unknown of {stem}_0002_0002", "happiness", "happy", "female", "development"),
    ]
    assert rows[f"Audios/{stem}_0001_0008.wav"]["transcript"] == "so yeah"
    assert reading.missing == [f"{stem}_0003_0001"]
    assert [p.name for p in reading.unknown] == [f"{stem}_test3_0001.wav"]


def test_podcasts_may_name_their_classes_by_number(rows_of):
    header = "FileName,EmoClass\n"
    table = header + "".join(f"P_1_{i}.wav,{i}\n" for i in (0, 1, 2, 7, 8))

    rows, _ = rows_of(
        "biic_podcast",
        {"Labels/labels_consensus.csv": table}
        | {f"Audios/P_1_{i}.wav": None for i in (0, 1, 2, 7, 8)},
    )

    assert [part(r, "emotion", "emotion_original") for r in rows.values()] == [
        ("anger", "angry"),
        ("sadness", "sad"),
        ("happiness", "happy"),
        ("neutral", "neutral"),
        ("other", "8"),
    ]


def test_folders_of_classes_may_hold_speakers_on_either_side(rows_of):
    rows, _ = rows_of(
        "folder",
        ["anger/anna/1.wav", "bert/Sad/1.wav", "boredom/carla/1.wav", "anger/1.wav", "fear/1.wav"],
        language="gsw",
    )

    assert {
        path: part(r, "emotion", "emotion_original", "speaker") for path, r in rows.items()
    } == {
        "anger/anna/1.wav": ("anger", "anger", "anna"),
        "bert/Sad/1.wav": ("sadness", "sad", "bert"),
        "boredom/carla/1.wav": ("other", "boredom", "carla"),
        "anger/1.wav": ("anger", "anger", "unknown"),
        "fear/1.wav": ("fear", "fear", "unknown"),
    }
    assert {row["language"] for row in rows.values()} == {"gsw"}


def test_a_folder_needs_a_language(tree):
    folder = tree({"anger/1.wav": None})

    with pytest.raises(ManifestError) as raised:
        read_corpus(find_corpus("folder"), folder)

    assert str(raised.value) == (
        f"The language of {folder} is unknown; name it, for example with --language deu."
    )


def test_a_folder_of_another_corpus_is_refused(tree):
    folder = tree({"wav/03a01Fa.wav": None})

    with pytest.raises(ManifestError) as raised:
        read_corpus(find_corpus("tess"), folder)

    assert str(raised.value) == (
        f"{folder} holds no recording of TESS, whose files are named like "
        "OAF_angry/OAF_back_angry.wav; check the folder, or see the other corpora with clser data "
        "list."
    )


def test_no_folder_is_named(tmp_path):
    with pytest.raises(ManifestError) as raised:
        read_corpus(find_corpus("tess"), tmp_path / "no")

    assert (
        str(raised.value) == f"{tmp_path / 'no'} is no folder; name the folder of the corpus TESS."
    )


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("meld", {"train_sent_emo.csv": "Utterance,Speaker\nHi,Ross\n"}, "train_sent_emo.csv, line 1: the column 'Emotion' is missing; required are Utterance, Speaker, Emotion, Dialogue_ID, Utterance_ID."),
        ("msp_podcast", {"Labels/labels_consensus.csv": "a,b\n"}, "Labels/labels_consensus.csv, line 1: the column 'FileName' is missing; required are FileName, EmoClass."),
        ("shemo", {"shemo.json": "{"}, "shemo.json, line 1: is no JSON (Expecting property name enclosed in double quotes); fetch the file again."),
        ("iemocap", {"Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": "<html>"}, "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt: holds no label of an utterance; fetch it again."),
    ],
)  # fmt: skip
def test_damaged_tables_are_named(tree, name, contents, message):
    folder = tree(contents)

    with pytest.raises(ManifestError) as raised:
        read_corpus(find_corpus(name), folder)

    assert str(raised.value) == f"{folder}/{message}"
