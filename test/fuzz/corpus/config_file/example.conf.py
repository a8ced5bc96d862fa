# Server socket
bind = ['127.0.0.1:8000', "[::1]:8000",
        'unix:/run/app/web.sock',]
backlog = 64
# Worker processes
workers = 1
worker_connections = 1000
timeout = 30
keepalive = 2
spew = False
# Server mechanics
daemon = False
raw_env = [
    'DJANGO_SECRET_KEY=do-not-show-this',
    'SPAM=eggs',
]
pidfile = None
umask = 0
user = None
group = None
tmp_upload_dir = None
reload = False
reload_extra_files = []
certfile = None
keyfile = None
proxy_protocol = 'off'
secure_scheme_headers = {}
# Logging
errorlog = '-'
loglevel = 'info'
accesslog = None
proc_name = None
