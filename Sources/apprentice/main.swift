print("apprentice")
