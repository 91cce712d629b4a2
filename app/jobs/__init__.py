"""Work off the GUI thread: the only place that names threads."""
