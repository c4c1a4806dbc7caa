"""One module per format of recording. A new one is a class with `Reader`'s two methods and a line in recordings.py."""
