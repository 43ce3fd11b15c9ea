"""`python -m app`. The commands are imported only here, so that the processes of workers, which import this module, skip them."""

import sys

if __name__ == "__main__":
    from app.commands.command_line import main

    sys.exit(main())
