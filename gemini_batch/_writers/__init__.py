"""Writing results to files: forms of files, what is in them already, and the failures file.

All of it blocks, and runs in worker threads; `gemini_batch._writers.write_results` drives it.
"""
