"""Silent sign-in in a browser: this package beside three JavaScript libraries and pages written by hand."""
