"""The templates of every target: prologues, interfaces and loops; never gate logic."""
