import sys

from buddywatch.cli import main

sys.exit(main())
