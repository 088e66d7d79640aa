module spanskafkago

go 1.18

require github.com/segmentio/kafka-go v0.4.51
