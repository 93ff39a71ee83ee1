"""What queueing shows on live screens: reads only, as {fragment id: html}."""
