"""What we remember: which site an ID lives at, which objects of several sites are one."""
