internal import WeftCLI

await WeftCommand.runMain()
