module retake.test/proxy

go 1.22
