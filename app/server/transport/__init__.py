"""uvicorn with limits: its HTTP and WebSocket protocols, slots for connections, and the supervisor of workers (`serve`)."""
