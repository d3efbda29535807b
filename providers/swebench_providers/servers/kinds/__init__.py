"""One module for each kind of local server, named as its provider in the catalog; each holds a `SERVER`."""
