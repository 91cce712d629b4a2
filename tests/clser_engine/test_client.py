import subprocess
import sys


def test_client_loads_no_network_library():
    code = (
        "import sys\n"
        "import clser_engine.client\n"
        "heavy = {'torch', 'onnxruntime', 'transformers', 'sklearn', 'PySide6'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert finished.stdout.strip() == "[]", finished.stderr
