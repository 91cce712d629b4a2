"""Files of labels and posteriors, one format a file, for the engine and the window alike.

`table` lists them; `rows.LabelRow` is what they hold. Writing is atomic, never replaces a file
unless told to, and reading raises `FormatError` with one sentence. numpy and praatio at most.
"""
