"""Silent sign-in in Chromium, Firefox and WebKitGTK over https: what happens, and how long it takes."""
