import Commands

Apprentice.runAndExit()
