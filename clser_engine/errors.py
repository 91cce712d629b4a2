"""Errors a user can cause, each one sentence that names the thing, its value and the way out.

EngineError
├── AudioError        a recording cannot be read or holds nothing to analyse
├── BadValueError     an argument is outside what is allowed (also a ValueError)
├── BundleError       a model bundle is missing, damaged or of a newer version
├── CheckpointError   a pretrained backbone is missing, damaged or none that can be used
├── ConfigError       a configuration file is wrong
├── FormatError       a label or posterior file cannot be read or written
├── ManifestError     a manifest is wrong (names file and line)
├── DeviceError       the device asked for is missing or out of memory
├── ExportError       a model cannot be exported faithfully
├── TrainingError     a run cannot begin, go on or end well
└── ServiceError      the engine process cannot be reached or refuses the call
    └── EngineLostError   it ended, or the connection broke, in the middle of a call

Cancelled             the person cancelled; not an error and never shown as one
"""


class EngineError(Exception):
    """Root of all errors whose text is written for the person who reads it."""


class AudioError(EngineError):
    """A recording cannot be read, or holds nothing that can be analysed."""


class BadValueError(EngineError, ValueError):
    """An argument is outside what is allowed."""


class BundleError(EngineError):
    """A model bundle is missing, damaged or made by a newer version."""


class CheckpointError(EngineError):
    """A pretrained backbone is missing, damaged, of another architecture or cannot be fetched."""


class ConfigError(EngineError):
    """A configuration file has an unknown key or a bad value."""


class FormatError(EngineError):
    """A file of labels, phones or posteriors cannot be read or written."""


class ManifestError(EngineError):
    """A manifest has a bad row; the text names the file and the line."""


class DeviceError(EngineError):
    """The device asked for is missing or has too little memory."""


class ExportError(EngineError):
    """A model cannot be exported so that it gives the same numbers."""


class TrainingError(EngineError):
    """A training run cannot begin, go on or end well."""


class ServiceError(EngineError):
    """The engine process cannot be reached or refuses the call."""


class EngineLostError(ServiceError):
    """The engine process ended, or the connection to it broke, in the middle of a call."""


class Cancelled(BaseException):
    """The person cancelled the work; a BaseException, so that `except Exception` cannot eat it."""
