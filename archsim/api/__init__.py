"""The face of archsim: what programs and the command line use of it, imported when it is used.

``import archsim`` offers all of it (`archsim.OFFERED`).
"""
