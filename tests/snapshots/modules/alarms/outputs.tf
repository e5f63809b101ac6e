# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

