sudo zypper patch
snapper list
