"""A test that catches a timestamp in the system prompt, with agentmem's pytest plugin and an agent without agentmem.

This runs the tests beside this file. One passes; the other fails, as it should, and shows where the prefix broke.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(HERE), str(HERE)]
done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
print(done.stdout)
caught = "1 failed, 1 passed" in done.stdout and "volatile_text" in done.stdout
print("The guard caught the timestamp." if caught else f"This should not have happened.\n{done.stderr}")
sys.exit(0 if caught else 1)
