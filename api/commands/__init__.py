"""What the command line accepts: the options and arguments of each subcommand.

Help must answer in half a second, so these modules import click and what is as light; the modules that do the work are
imported inside the commands.
"""
