"""`python -m repz_console` is `repz-console`."""

from repz_console.cli import main

main()
