from app.services.rotating_file import last_line, open_rotated


def test_small_log_is_appended_to(tmp_path):
    path = tmp_path / "new" / "engine.log"
    for line in (b"a\n", b"b\n"):
        with open_rotated(path) as log:
            log.write(line)

    assert path.read_bytes() == b"a\nb\n"


def test_large_log_is_put_aside_and_the_oldest_goes(tmp_path):
    path = tmp_path / "engine.log"
    for number in range(6):
        with open_rotated(path, max_bytes=3) as log:
            log.write(b"%d%d%d%d" % (number, number, number, number))

    assert path.read_bytes() == b"5555"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "engine.log",
        "engine.log.1",
        "engine.log.2",
        "engine.log.3",
    ]
    assert (tmp_path / "engine.log.3").read_bytes() == b"2222"


def test_last_line_is_the_last_with_text_after_a_position(tmp_path):
    path = tmp_path / "engine.log"
    path.write_bytes(b"old words\n" + b"x" * 20_000 + b"\n  last words \n\n")

    assert last_line(path) == "last words"
    assert last_line(path, after=path.stat().st_size) == ""
    assert last_line(tmp_path / "gone") == ""
