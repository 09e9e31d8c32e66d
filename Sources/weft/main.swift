import WeftCLI

print("weft")
