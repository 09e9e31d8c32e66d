// WeftCLI
