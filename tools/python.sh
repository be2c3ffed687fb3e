#!/bin/sh
# Prints the path of a suitable Python, or a message about what is missing.
# If $PYTHON is set, no other Python is considered.
wanted='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if "$python" -c "$wanted" >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
done
echo "Evenkeel needs Python 3.11 or later with its venv module, and ${PYTHON:-python3} is not one:" \
    "install it (on Debian: python3 and python3-venv), or name one with PYTHON=/path/to/python." >&2
exit 1
