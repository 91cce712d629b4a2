"""ONNX graphs of trained models, checked against torch before they are kept."""
