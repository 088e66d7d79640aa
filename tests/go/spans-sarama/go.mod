module spanssarama

go 1.18

require github.com/IBM/sarama v1.43.3
