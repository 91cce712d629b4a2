"""Readers of public corpora in their original layout: one file a corpus, one line each in `table`.

A reader knows how a corpus is laid out where its authors publish it, what its file names or tables
say, how its labels map to the emotions of this program, what its terms are and what to beware of.
A new corpus is a file with one `CORPUS`, and its name in `table.CORPORA`.
"""
