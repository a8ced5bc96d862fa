"""Gunicorn configuration of the sales dashboard.

Run with: gunicorn -c gunicorn.conf.py app:server
"""
# -*- coding: utf-8 -*-

bind = '0.0.0.0:8050'
backlog = 2048

workers = 6
worker_class = 'gthread'
threads = 2
worker_connections = 1000
timeout = 120  # slow queries
graceful_timeout = 30
keepalive = 5
max_requests = 1_000
max_requests_jitter = 50
preload_app = True

accesslog = '-'
errorlog = '-'
loglevel = 'INFO'
access_log_format = ('%(h)s %(l)s %(u)s %(t)s "%(r)s" '
                     '%(s)s %(b)s "%(f)s" "%(a)s"')
proc_name = 'sales-dashboard'
wsgi_app = 'app:server'
