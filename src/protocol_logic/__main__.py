"""`python -m protocol_logic`: the command, where its script is not on the path."""

from protocol_logic.surfaces.cli import main

if __name__ == "__main__":
    main()
