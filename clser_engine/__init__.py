"""Engine of CLSER Studio: cross-lingual speech emotion recognition without a window.

Importing this package loads nothing else, so that the window can use its light parts
(`client`, `types`, `labels`, `errors`, `audio.read`, `formats`) without torch.
"""
