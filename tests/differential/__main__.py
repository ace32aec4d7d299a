from tests.differential.run import main

main()
