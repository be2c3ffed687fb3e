"""`python -m evenkeel`, the same as the command `evenkeel`."""

from evenkeel.app import main

if __name__ == "__main__":
    main()
